"""What is said in turns of other dialects is understood as the same chat."""

from __future__ import annotations

from typing import Any

import pytest

from router.simulate.asked import TOKENS_PER_MESSAGE, InvalidError, Prompt, Tool
from router.simulate.turns import read_counted, read_message, read_response

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
IMAGE = {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}}


def response(input: Any = "Hello there", **fields: Any) -> Any:
    return read_response({"model": "m", "input": input, **fields})


def message(content: Any = "Hello there", **fields: Any) -> Any:
    return read_message({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": content}], **fields})


def test_what_a_response_asks_for() -> None:
    asked = response(instructions="Be kind.", max_output_tokens=20, stream=True)
    assert asked.prompts == (Prompt("Hello there", 2 + 3 + 2 * TOKENS_PER_MESSAGE),)
    assert (asked.model, asked.max_tokens, asked.stream, asked.tool) == ("m", 20, True, None)


def test_a_conversation_of_items() -> None:
    items = [
        {"role": "user", "content": [{"type": "input_text", "text": "Hello there"}]},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm"}]},
        {"type": "function_call", "name": "f", "call_id": "c", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "sunny"},
    ]
    asked = response(items)
    assert asked.prompts == (Prompt("Hello there", 2 + 1 + 2 + 1 + 4 * TOKENS_PER_MESSAGE),)


def test_what_a_message_asks_for() -> None:
    asked = message(system=[{"type": "text", "text": "Be kind."}], stop_sequences=["x"])
    assert asked.prompts == (Prompt("Hello there", 2 + 3 + 2 * TOKENS_PER_MESSAGE),)
    assert (asked.model, asked.max_tokens, asked.stop, asked.stream) == ("m", 9, ("x",), False)


@pytest.mark.parametrize(
    ("block", "tokens"),
    [
        ({"type": "text", "text": "Hello there"}, 2),
        ({"type": "thinking", "thinking": "Hm", "signature": ""}, 1),
        ({"type": "tool_use", "id": "t", "name": "f", "input": {}}, 2),
        ({"type": "tool_result", "tool_use_id": "t", "content": "sunny"}, 1),
        ({"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "sunny"}, IMAGE]}, 257),
        (IMAGE, 256),
    ],
)
def test_all_blocks_have_tokens(block: Any, tokens: int) -> None:
    assert message([block]).prompt_tokens == tokens + TOKENS_PER_MESSAGE
    counted = read_counted({"model": "m", "messages": [{"role": "user", "content": [block]}]})
    assert counted == tokens + TOKENS_PER_MESSAGE


OPENAI = [{"type": "web_search"}, {"type": "function", "name": "weather", "parameters": SCHEMA}]
ANTHROPIC = [{"name": "weather", "input_schema": SCHEMA}]


@pytest.mark.parametrize(
    ("asked", "tool"),
    [
        (response(tools=OPENAI), None),
        (response(tools=OPENAI, tool_choice="required"), Tool("weather", SCHEMA, named=False)),
        (response(tools=OPENAI, tool_choice={"type": "function", "name": "weather"}), Tool("weather", SCHEMA, True)),
        (message(tools=ANTHROPIC, tool_choice={"type": "auto"}), None),
        (message(tools=ANTHROPIC, tool_choice={"type": "any"}), Tool("weather", SCHEMA, named=False)),
        (message(tools=ANTHROPIC, tool_choice={"type": "tool", "name": "weather"}), Tool("weather", SCHEMA, True)),
    ],
)
def test_a_tool_may_have_to_be_called(asked: Any, tool: Tool | None) -> None:
    assert asked.tool == tool


@pytest.mark.parametrize(
    ("read", "body", "param"),
    [
        (read_response, {}, "input"),
        (read_response, {"input": []}, "input"),
        (read_response, {"input": 7}, "input"),
        (read_response, {"input": "Hi", "max_output_tokens": 3}, "max_output_tokens"),
        (read_response, {"input": ["Hi"]}, "messages[0]"),
        (read_message, {"max_tokens": 5}, "messages"),
        (read_message, {"messages": [{"role": "user", "content": "Hi"}]}, "max_tokens"),
        (read_message, {"messages": ["Hi"], "max_tokens": 5}, "messages[0]"),
    ],
)
def test_what_is_refused(read: Any, body: Any, param: str) -> None:
    with pytest.raises(InvalidError) as refused:
        read({"model": "m", **body})
    assert refused.value.param == param
