import base64
import struct
from typing import Any

from router.litellm_adapter.shapes import chat_body, chunk_body, embedding_body, finishing, usage

HEAD = {"id": "i", "object": "chat.completion.chunk", "created": 1, "model": "m", "system_fingerprint": None}


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    return {**HEAD, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], "citations": None, **more}


def test_a_chunk_without_empty_fields() -> None:
    body = chunk_body(chunk({"content": "a", "role": None, "provider_specific_fields": None}), with_usage=False)
    choice = {"index": 0, "delta": {"content": "a"}, "logprobs": None, "finish_reason": None}
    assert body == {**HEAD, "choices": [choice]}


def test_a_chunk_that_says_nothing_is_left_out() -> None:
    assert chunk_body(chunk({"content": None, "tool_calls": []}), with_usage=True) is None


def test_the_chunk_with_the_usage_has_no_choices() -> None:
    body = chunk_body(chunk({"content": None}, usage={"prompt_tokens": 1, "cost": 0.5}), with_usage=True)
    assert body == {**HEAD, "choices": [], "usage": {"prompt_tokens": 1}}


def test_the_finish_is_seen() -> None:
    ends, goes_on = chunk_body(chunk({}, "stop"), with_usage=True), chunk_body(chunk({"content": "a"}), with_usage=True)
    assert ends is not None and goes_on is not None
    assert (finishing(ends), finishing(goes_on)) == ({0}, set())


def test_a_message_always_has_role_and_content() -> None:
    calls = [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    message = {"content": None, "tool_calls": calls, "provider_specific_fields": {"citations": None}}
    body = chat_body({**HEAD, "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]})
    assert body["choices"][0]["message"] == {"role": "assistant", "content": None, "tool_calls": calls}


def test_usage_keeps_counts() -> None:
    given = {"prompt_tokens": 3, "cost": 0.1, "speed": None, "prompt_tokens_details": {"cached_tokens": 1, "x": None}}
    assert usage(given) == {"prompt_tokens": 3, "prompt_tokens_details": {"cached_tokens": 1}}
    assert usage(None) is None


def test_vectors_in_base64() -> None:
    body = embedding_body({"data": [{"embedding": [0.5]}], "model": "m", "usage": None}, "base64")
    assert struct.unpack("<f", base64.b64decode(body["data"][0]["embedding"])) == (0.5,)


def test_zeros_that_nobody_reported_are_no_usage() -> None:
    """litellm puts them where a provider said nothing; taken for a report, the request would be free."""
    nothing = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0, "prompt_tokens_details": None}
    assert usage(nothing) is None
    assert chunk_body(chunk({"content": None}, usage=nothing), with_usage=True) is None
    body = embedding_body({"data": [{"embedding": [0.5]}], "model": "m", "usage": nothing}, "float")
    assert body["usage"] is None


def test_input_that_nobody_reported_is_left_out() -> None:
    """litellm puts 0 there; taken for a report, the input would be free."""
    given = {"prompt_tokens": 0, "completion_tokens": 24, "total_tokens": 24}
    assert usage(given) == {"completion_tokens": 24}
    assert usage({"prompt_tokens": 7, "completion_tokens": 0, "total_tokens": 7}) == {
        "prompt_tokens": 7,
        "completion_tokens": 0,
        "total_tokens": 7,
    }
