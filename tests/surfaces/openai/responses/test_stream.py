from __future__ import annotations

import json
from typing import Any

import pytest

from router.core.values import Usage
from router.surfaces.openai.responses.stream import ResponseScanner

USAGE = {"input_tokens": 11, "output_tokens": 7, "total_tokens": 18}


def event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


def whole(kind: str, number: int = 9, **fields: Any) -> bytes:
    status = kind.removeprefix("response.")
    response = {"id": "resp_1", "object": "response", "status": status, "error": None, "output": [], **fields}
    return event(kind, sequence_number=number, response=response)


CREATED = whole("response.created", 0, status="in_progress", model="m", usage=None)
IN_PROGRESS = whole("response.in_progress", 1)
ADDED = event("response.output_item.added", sequence_number=2, item={"type": "message"})
DELTA = event("response.output_text.delta", sequence_number=3, delta="The")
TEXT_DONE = event("response.output_text.done", sequence_number=4, text="The")
COMPLETED = whole("response.completed", 5, usage=USAGE)


def fed(*events: bytes, background: bool = False) -> ResponseScanner:
    scanner = ResponseScanner(background=background)
    for each in events:
        assert scanner.feed(each) == each
    return scanner


def test_word_of_the_request_is_no_sign_of_an_answer() -> None:
    scanner = fed(CREATED, IN_PROGRESS)
    assert not scanner.first_complete and not scanner.events
    scanner.feed(ADDED)
    assert scanner.first_complete


def test_what_goes_on_in_the_background_is_answered_at_once() -> None:
    scanner = fed(whole("response.queued", 0), background=True)
    assert scanner.first_complete and scanner.events == 1
    scanner.feed(IN_PROGRESS)
    assert scanner.events == 1


@pytest.mark.parametrize("kind", ["response.completed", "response.incomplete"])
def test_any_end_tells_the_usage(kind: str) -> None:
    scanner = fed(CREATED, DELTA, whole(kind, usage=USAGE, service_tier="flex"))
    assert scanner.done and not scanner.error
    assert scanner.usage == Usage(11, 0, 0, 7, service="flex")
    assert scanner.end == "response.completed"


def test_the_end_tells_the_items_that_may_be_named() -> None:
    scanner = fed(CREATED, whole("response.completed", output=[{"type": "message", "id": "msg_1"}]))
    assert scanner.stored_parts == ("msg_1",)


def test_a_failed_one_is_an_error_and_an_end() -> None:
    failed = whole("response.failed", error={"code": "server_error", "message": "Oops."}, usage=USAGE)
    scanner = fed(CREATED, DELTA, failed)
    assert scanner.done and scanner.error and scanner.usage is not None
    assert fed(whole("response.failed")).error  # and says no more
    assert fed(whole("response.completed", error={"message": "Oops."})).error


def test_one_that_failed_for_what_the_client_asked_is_an_answer() -> None:
    scanner = fed(CREATED, whole("response.failed", error={"code": "invalid_prompt", "message": "No."}))
    assert scanner.done and scanner.events and not scanner.error


@pytest.mark.parametrize(
    "error",
    [
        event("error", code="server_error", message="Oops.", sequence_number=3),
        b'data: {"error": {"message": "Oops."}}\n\n',
        b'data: {"type": "error", "message": "Oops."}\n\n',
        b"event: error\ndata: {}\n\n",
    ],
)
def test_an_error_is_one_however_it_is_written(error: bytes) -> None:
    scanner = fed(CREATED, error)
    assert scanner.error and scanner.first_complete and not scanner.done


def test_an_error_may_be_followed_by_the_response_that_failed() -> None:
    error, failed = event("error", code="server_error", message="Oops."), whole("response.failed")
    scanner = ResponseScanner()
    assert scanner.feed(CREATED + error + failed) == CREATED + error + failed
    assert scanner.error and scanner.done


@pytest.mark.parametrize(
    ("failure", "between"),
    [
        (event("error", code="server_error", message="Oops."), b""),
        (event("error", code="server_error", message="Oops."), b": still there\n\n"),
        (whole("response.failed"), b""),
    ],
)
@pytest.mark.parametrize("after", [DELTA, COMPLETED, b"data: garbage\n\n", b"data: [DONE]\n\n"])
def test_nothing_else_follows_an_error(failure: bytes, between: bytes, after: bytes) -> None:
    scanner = ResponseScanner()
    sent = scanner.feed(CREATED + DELTA + failure + between + after) + scanner.feed(COMPLETED)
    assert sent == CREATED + DELTA + failure + between
    assert scanner.error


def test_the_sign_of_other_streams_alone_is_no_answer() -> None:
    assert not fed(CREATED, b"data: [DONE]\n\n").first_complete


@pytest.mark.parametrize("said", [b'{"error": {"message": "Oops."}}', b'{"detail": "Oops."}', b"Oops."])
def test_nothing_follows_an_error_of_another_dialect(said: bytes) -> None:
    error = b"data: %b\n\n" % said
    scanner = ResponseScanner()
    assert scanner.feed(CREATED + DELTA + error + whole("response.failed")) == CREATED + DELTA + error
    assert scanner.failure == error and scanner.ends_by_error and not scanner.done


def test_nothing_follows_a_failed_response_of_ours() -> None:
    scanner = fed(CREATED, event("error", code="server_error", message="Oops."))
    assert not scanner.ends_by_error and b"response.failed" in scanner.broken("server_error", "It broke.")
    assert scanner.feed(whole("response.failed")) == b""


def test_produced_counts_parts_as_they_come_and_what_they_say() -> None:
    assert fed(CREATED, IN_PROGRESS, ADDED, DELTA, DELTA, TEXT_DONE).produced == 3
    long = event("response.function_call_arguments.delta", delta="x" * 400)
    assert fed(CREATED, long).produced == 100
    assert fed(CREATED, *[event("response.output_text.delta", delta="twelve bytes")] * 20).produced == 60


def test_the_sign_of_other_streams_is_no_end() -> None:
    scanner = fed(CREATED, DELTA, b"data: [DONE]\n\n")
    assert not scanner.done and not scanner.malformed
    assert fed(CREATED, COMPLETED, b"data: [DONE]\n\n").done


def test_garbage_is_malformed() -> None:
    assert fed(b"data: <html>\n\n").malformed
    assert fed(b'data: {"choices": []}\n\n').malformed
    assert not fed(CREATED, DELTA, b'data: {"choices": []}\n\n').malformed
    half = fed(CREATED, DELTA)
    assert half.feed(b"event: response.x\ndata: {half\n\n") + half.feed(COMPLETED) == b""
    assert half.garbled and not (half.error or half.done)
    assert not fed(b'event: response.x\ndata: {"type": "response.x", "error": null, "delta": {"a": 1}}\n\n').malformed


def test_events_are_read_at_whatever_bytes_they_are_cut() -> None:
    data = CREATED + DELTA + COMPLETED.replace(b"\n", b"\r\n")
    scanner = ResponseScanner()
    passed = b"".join([scanner.feed(data[place : place + 7]) for place in range(0, len(data), 7)])
    assert passed + scanner.finish() == data
    assert scanner.done and scanner.events == 2


def test_an_event_that_is_too_large_passes_unread() -> None:
    scanner = ResponseScanner(max_event=100)
    large = event("response.output_text.delta", delta="x" * 200)
    assert scanner.feed(large) == large
    assert scanner.events == 1


def test_it_breaks_off_with_the_next_number_and_its_response() -> None:
    told = json.loads(fed(CREATED, IN_PROGRESS, DELTA).broken("broken", "It broke.").split(b"data: ")[1])
    assert told["sequence_number"] == 4
    assert (told["response"]["id"], told["response"]["model"]) == ("resp_1", "m")
    assert told["response"]["status"] == "failed"


@pytest.mark.parametrize("first", [(), (whole("response.created", 0, instructions="x" * 70_000),), (b"data: {}\n\n",)])
def test_it_breaks_off_without_what_it_does_not_know(first: tuple[bytes, ...]) -> None:
    told = json.loads(fed(*first).broken("broken", "It broke.").split(b"data: ")[1])
    assert (told["response"]["object"], told["response"]["status"]) == ("response", "failed")


def test_a_response_of_another_shape_is_none() -> None:
    strange = b'data: {"type": "response.created", "response": 1}\n\n'
    assert json.loads(fed(strange).broken("b", "It broke.").split(b"data: ")[1])["response"]["id"] == ""
    assert not fed(b'data: {"type": "response.completed", "response": 1}\n\n').done, "nothing says that it is whole"
    odd = whole("response.completed", usage={**USAGE, "input_tokens_details": 1})
    assert fed(odd).usage == Usage(11, 0, 0, 7)


def test_numbers_of_other_kinds_do_not_count() -> None:
    told = json.loads(fed(event("response.created", sequence_number="x")).broken("b", "It.").split(b"data: ")[1])
    assert told["sequence_number"] == 0


def test_the_first_event_tells_the_id_by_which_clients_come_back() -> None:
    scanner = fed(whole("response.created", 0, status="in_progress", instructions="x" * 100_000))
    assert scanner.stored_id == "resp_1"
    assert fed(ADDED, DELTA).stored_id == ""


def test_half_a_character_is_a_part_of_an_answer() -> None:
    seen = fed(b'data: {"type": "response.output_text.delta", "delta": "\\ud83d"}\n\n')
    assert seen.events == 1 and not seen.malformed


def test_what_is_completed_and_still_in_progress_is_not_whole() -> None:
    assert not fed(b'data: {"type": "response.completed", "response": {"status": "in_progress"}}\n\n').done
    assert fed(b'data: {"type": "response.completed", "response": {"status": "completed"}}\n\n').done
