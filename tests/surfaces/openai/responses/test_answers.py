from __future__ import annotations

import json
from typing import Any

import pytest

from router.core.values import Usage
from router.surfaces.openai.responses.answers import Response, is_answer, items_in, response_in, text_bytes_of, usage_of

MESSAGE = {
    "type": "message",
    "id": "msg_1",
    "role": "assistant",
    "content": [{"type": "output_text", "text": "Paris."}],
}
USAGE = {
    "input_tokens": 11,
    "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2},
    "output_tokens": 7,
    "output_tokens_details": {"reasoning_tokens": 3},
    "total_tokens": 18,
}


def body(**fields: Any) -> bytes:
    whole = {"id": "resp_1", "object": "response", "status": "completed", "error": None, "output": [MESSAGE]}
    return json.dumps({**whole, "usage": USAGE, **fields}).encode()


def judged(data: bytes) -> bool:
    response = response_in(data)
    return response is not None and is_answer(response)


def used(data: bytes) -> Usage | None:
    response = response_in(data)
    return None if response is None else usage_of(response)


@pytest.mark.parametrize("type", [[], {}, 1, None])
def test_an_item_may_be_of_any_type(type: Any) -> None:
    assert used(body(output=[{"type": type}])) == used(body())


@pytest.mark.parametrize("status", ["completed", "incomplete", "queued", "in_progress", "cancelled"])
def test_a_response_is_an_answer_in_whatever_state(status: str) -> None:
    assert judged(body(status=status))


def test_one_that_failed_is_none_unless_the_client_is_to_hear_of_it() -> None:
    assert not judged(body(status="failed", error={"code": "server_error", "message": "Oops."}))
    assert not judged(body(status="failed", error=None))
    assert judged(body(status="failed", error={"code": "invalid_prompt", "message": "No."}))
    assert not judged(body(error={"code": "invalid_prompt", "message": "No."}))


@pytest.mark.parametrize("data", [b"", b"[]", b"<html>", b'{"error": {"message": "x"}}', b'{"error": "x"}', b"{}"])
def test_what_is_no_response_is_no_answer(data: bytes) -> None:
    assert not judged(data)


def test_usage_has_its_cached_parts_and_its_service() -> None:
    assert used(body()) == Usage(11, 4, 2, 7)
    assert used(body(service_tier="priority")) == Usage(11, 4, 2, 7, service="priority")


def test_without_details_the_totals_count() -> None:
    assert used(body(usage={"input_tokens": 11, "output_tokens": 7})) == Usage(11, 0, 0, 7)
    assert used(body(usage={**USAGE, "input_tokens_details": "none"})) == Usage(11, 0, 0, 7)
    assert used(body(usage={"input_tokens": 0, "output_tokens": 0})) is None
    assert used(body(usage=None)) is used(body(usage="none")) is used(b"<html>") is None


def test_tools_that_may_be_charged_by_call_make_it_an_estimate() -> None:
    usage = used(body(output=[{"type": "web_search_call"}, MESSAGE]))
    assert usage is not None and usage.estimated
    usage = used(body(output=[{"type": "web_search_call"}], usage={**USAGE, "input_tokens_details": 1}))
    assert usage is not None and usage.estimated


def test_something_of_an_unexpected_type_makes_it_no_less_of_an_answer() -> None:
    assert judged(body(output=["x", MESSAGE]))
    assert not judged(body(output="x"))
    assert not judged(body(error="x"))
    assert not judged(body(status="failed", error="x"))
    assert not judged(b'{"output": [1], "output')


def test_later_requests_may_name_its_items() -> None:
    response = response_in(body(output=[MESSAGE, {"type": "reasoning", "id": "rs_1"}, {"id": 1}, {}]))
    assert response is not None and items_in(response) == ("msg_1", "rs_1")
    assert items_in(Response()) == ()


def test_text_is_what_the_model_wrote() -> None:
    assert text_bytes_of(body()) == len("Paris.")
    call = {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": '{"a": 1}'}
    assert text_bytes_of(body(output=[call])) == len("f") + len('{"a": 1}') + len("1")
    reasoning = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm"}], "encrypted_content": "AAAA"}
    assert text_bytes_of(body(output=[reasoning, 1])) == 2
    assert text_bytes_of(b"<html>") == 6
