from __future__ import annotations

from router.core.values import Usage
from router.surfaces.openai.kept.events import RunScanner
from router.surfaces.openai.responses.stream import ResponseScanner
from router.surfaces.registry import KEPT, READERS
from tests.core.conftest import Make


def test_the_gateway_asks_for_all_of_it_in_one_place() -> None:
    asked = KEPT.find("GET", "/files")
    assert asked is not None and KEPT.default_limit(asked) == 10_000
    other = KEPT.find("GET", "/batches")
    assert other is not None and KEPT.default_limit(other) == 20
    assert KEPT.methods_at("/files") == ("GET", "POST") and "files" in KEPT.names
    assert KEPT.id_in(b'{"id":"file-1"}') == "file-1"
    assert list(KEPT.named_in(b'{"output_file_id":"file-1"}')) == ["file-1"]
    assert list(KEPT.within(b'{"id":"run_12345678"}')) == ["run_12345678"]
    run, response = KEPT.find("POST", "/threads/thread_1/runs"), KEPT.find("GET", "/responses/resp_1")
    assert run is not None and KEPT.speaker(run) is KEPT.surface
    assert response is not None and KEPT.speaker(response).name == "responses"
    assert isinstance(KEPT.scanner(response), ResponseScanner)
    scanner, event = KEPT.scanner(run), b'data: {"id":"run_12345678","object":"thread.run"}\n\n'
    assert isinstance(scanner, RunScanner) and scanner.feed(event + event)
    assert list(scanner.made) == ["run_12345678"]
    assert KEPT.page_in(b'{"data":[]}') == ([], False)
    assert KEPT.page_of(b'{"data":[]}', [], more=False) == b'{"data":[],"has_more":false}'


def test_bodies_go_on_as_they_came_and_answers_are_not_looked_at(make: Make) -> None:
    surface, route = KEPT.surface, make.route("openai")
    body = surface.example("m", "Hi")
    reading = surface.read(body)
    assert surface.edit(body, reading, route) is body and READERS[surface.name] is surface
    assert surface.scanner(reading, route).feed(b": hello\n\n") == b": hello\n\n"
    assert (surface.read_answer(b""), surface.usage_of(b""), surface.text_bytes_of(b"x")) == ((True, None), None, 0)
    assert surface.not_found("resp_1").status == 404 and surface.not_kept("resp_1").status == 400


def test_a_response_tells_what_it_used_once_it_has_ended() -> None:
    usage = b'"usage":{"input_tokens":11,"output_tokens":7,"total_tokens":18}'
    one, inner = KEPT.find("GET", "/responses/resp_1"), KEPT.find("GET", "/responses/resp_1/input_items")
    stopped, file = KEPT.find("POST", "/responses/resp_1/cancel"), KEPT.find("GET", "/files/file-1")
    assert one is not None and inner is not None and stopped is not None and file is not None
    done, runs = (
        b'{"id":"resp_1","status":"%b","output":[],%b}' % (status, usage) for status in (b"completed", b"queued")
    )
    assert KEPT.used_in(one, done) == KEPT.used_in(stopped, done) == Usage(11, output=7)
    assert {KEPT.used_in(one, each) for each in (runs, b'{"id":"resp_1","status":"failed"}', b"<html>")} == {None}
    assert KEPT.used_in(one, done.replace(b"resp_1", b"resp_2")) is None  # another's is not booked for it
    assert {KEPT.used_in(one, done.replace(b"completed", word)) for word in (b"dreaming", b"")} == {None}
    long = done.replace(
        b"[]", b'[{"type":"message","content":[{"type":"output_text","text":"%b"}]}]' % (b"word " * 400)
    )
    assert KEPT.used_in(one, long) == Usage(11, output=500, estimated=True)
    assert KEPT.used_in(inner, done) is None and KEPT.used_in(file, done) is None
