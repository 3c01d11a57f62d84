from typing import Any

import pytest

from router.litellm_adapter.asked import is_default, of_chat, of_embeddings, of_messages, of_responses, usable
from router.litellm_adapter.faithful import Faith

HELLO: dict[str, Any] = {"messages": [{"role": "user", "content": "Hi"}]}


def params(faith: Faith) -> set[str]:
    return {each.param for each in faith.wanted} | {param for _, param in faith.names}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n", 1),
        ("logprobs", False),
        ("seed", None),
        ("parallel_tool_calls", True),
        ("response_format", {"type": "text"}),
    ],
)
def test_a_default_asks_for_nothing(name: str, value: Any) -> None:
    assert value is None or is_default(name, value)
    assert not params(of_chat({**HELLO, name: value}))


def test_hints_and_defaults_are_left_out_where_the_provider_has_no_such_thing() -> None:
    call = {"temperature": 1, "user": "u", "n": 2, "seed": 3}
    assert usable(call, {"temperature"}) == {"temperature": 1, "n": 2, "seed": 3}
    assert usable(call, None) == call


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"n": 2}, "n"),
        ({"parallel_tool_calls": False}, "parallel_tool_calls"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": {"type": "function", "function": {"name": "f"}}}, "tool_choice"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"response_format": {"type": "json_schema", "json_schema": {}}}, "response_format"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools[0]"),
        ({"tools": [{"type": "function", "function": {"strict": True}}]}, "tools[0].strict"),
    ],
)
def test_what_chat_asks_has_to_be_said(asked: dict[str, Any], param: str) -> None:
    assert params(of_chat(HELLO | asked)) == {param}


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"top_k": 3}, "top_k"),
        ({"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}}, "tool_choice.disable_parallel_tool_use"),
        ({"system": [{"type": "text", "text": "s", "cache_control": {}}]}, "system.cache_control"),
        ({"cache_control": {"type": "ephemeral"}}, "cache_control.cache_control"),
        (
            {"messages": [{"content": [{"type": "document", "citations": {"enabled": True}}]}]},
            "messages.citations",
        ),
        ({"messages": [{"content": [{"type": "thinking", "signature": "s"}]}]}, "messages[0]"),
        ({"messages": [{"content": [{"type": "redacted_thinking", "data": "s"}]}]}, "messages[0]"),
    ],
)
def test_what_a_message_asks_has_to_be_said(asked: dict[str, Any], param: str) -> None:
    assert params(of_messages(HELLO | asked)) == {param}


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"store": False, "include": ["reasoning.encrypted_content"], "truncation": "disabled"}, set()),
        ({"store": True}, {"store"}),
        ({"include": ["message.output_text.logprobs"]}, {"include"}),
        ({"text": {"verbosity": "low", "format": {"type": "json_object"}}}, {"text.verbosity", "text.format"}),
        ({"reasoning": {"effort": "low"}}, {"reasoning.effort"}),
        ({"input": [{"type": "reasoning", "encrypted_content": "x"}]}, {"input[0].encrypted_content"}),
        (
            {"input": [{"type": "reasoning", "encrypted_content": '[{"signature":"s"}]'}]},
            {"input[0].encrypted_content"},
        ),
        ({"input": [{"type": "reasoning"}]}, set()),
    ],
)
def test_what_a_response_asks_has_to_be_said(asked: dict[str, Any], found: set[str]) -> None:
    assert params(of_responses({"input": "Hi"} | asked)) == found


def test_thoughts_that_litellm_wrapped_are_proved_by_what_is_inside() -> None:
    item = {"type": "reasoning", "encrypted_content": '[{"signature":"s"},{"data":"d"}]'}
    assert [value for value, _ in of_responses({"input": [item]}).names] == ["s", "d"]


def test_embeddings_may_ask_for_a_length() -> None:
    assert params(of_embeddings({"input": "a", "dimensions": 4})) == {"dimensions"}
