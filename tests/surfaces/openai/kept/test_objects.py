from __future__ import annotations

from router.core.values import Usage
from router.surfaces.long_json import outline
from router.surfaces.openai.kept.events import RunScanner
from router.surfaces.openai.responses.stream import ResponseScanner
from router.surfaces.registry import KEPT, READERS
from router.surfaces.resources import Asked
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


def used(asked: Asked, answer: bytes) -> Usage | None:
    return KEPT.used_in(asked, outline(answer), answer)


def test_what_is_made_beside_long_remarks_is_known_all_the_same() -> None:
    shown = outline(
        b'{"id":"batch_1","errors":{"data":[%b{}]},"output_file_id":"file-1","error_file_id":"file-2"}'
        % (b'{"message":"no"},' * 100_000)
    )
    assert KEPT.id_in(shown) == "batch_1" and list(KEPT.named_in(shown)) == ["file-1", "file-2"]


def test_a_response_tells_what_it_used_once_it_has_ended() -> None:
    usage = b'"usage":{"input_tokens":11,"output_tokens":7,"total_tokens":18}'
    one, inner = KEPT.find("GET", "/responses/resp_1"), KEPT.find("GET", "/responses/resp_1/input_items")
    stopped, file = KEPT.find("POST", "/responses/resp_1/cancel"), KEPT.find("GET", "/files/file-1")
    assert one is not None and inner is not None and stopped is not None and file is not None
    done, runs = (
        b'{"id":"resp_1","status":"%b","output":[],%b}' % (status, usage) for status in (b"completed", b"queued")
    )
    assert used(one, done) == used(stopped, done) == Usage(11, output=7)
    assert {used(one, each) for each in (runs, b'{"id":"resp_1","status":"failed"}', b"<html>")} == {None}
    assert used(one, done.replace(b"resp_1", b"resp_2")) is None  # another's is not booked for it
    assert {used(one, done.replace(b"completed", word)) for word in (b"dreaming", b"")} == {None}
    long = done.replace(
        b"[]", b'[{"type":"message","content":[{"type":"output_text","text":"%b"}]}]' % (b"word " * 400)
    )
    assert used(one, long) == Usage(11, output=500, estimated=True)
    assert used(inner, done) is None and used(file, done) is None
