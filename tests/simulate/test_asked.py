import pytest

from router.simulate.asked import InvalidError, Json, Prompt, read_chat, read_completion, read_inputs

HELLO = [{"role": "user", "content": "Hello there"}]


def test_what_a_chat_request_asks_for() -> None:
    asked = read_chat(
        {
            "model": "m",
            "messages": [{"role": "system", "content": "Be kind."}, *HELLO],
            "n": 2,
            "max_tokens": 9,
            "stop": "x",
            "stream": True,
            "stream_options": {"include_usage": True},
        }
    )
    assert asked.prompts == (Prompt("Hello there", 3 + 2 + 2 * 4),)
    assert (asked.n, asked.max_tokens, asked.stop, asked.stream, asked.include_usage) == (2, 9, ("x",), True, True)


def test_max_completion_tokens_wins() -> None:
    assert read_chat({"model": "m", "messages": HELLO, "max_tokens": 9, "max_completion_tokens": 3}).max_tokens == 3


def test_parts_are_read_and_media_counted() -> None:
    content = [{"type": "text", "text": "What is this"}, {"type": "image_url", "image_url": {"url": "data:,"}}]
    asked = read_chat({"model": "m", "messages": [{"role": "user", "content": content}]})
    assert asked.prompts == (Prompt("What is this", 4 + 3 + 256),)


@pytest.mark.parametrize(
    ("prompt", "tokens"), [("a b", [2]), (["a b", "c"], [2, 1]), ([1, 2, 3], [3]), ([[1, 2], [3]], [2, 1])]
)
def test_prompts_are_texts_or_token_ids(prompt: object, tokens: list[int]) -> None:
    assert [p.tokens for p in read_completion({"model": "m", "prompt": prompt}).prompts] == tokens
    assert [p.tokens for p in read_inputs({"model": "m", "input": prompt})] == tokens


TOOLS = [{"type": "function", "function": {"name": name, "parameters": {}}} for name in ("f", "g")]


@pytest.mark.parametrize(
    ("choice", "called"),
    [("auto", None), ("none", None), ("required", "f"), ({"type": "function", "function": {"name": "g"}}, "g")],
)
def test_only_a_forced_tool_is_called(choice: object, called: str | None) -> None:
    tool = read_chat({"model": "m", "messages": HELLO, "tools": TOOLS, "tool_choice": choice}).tool
    assert (tool.name if tool else None) == called


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"messages": None}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": ["x"]}, "messages[0]"),
        ({"n": 0}, "n"),
        ({"max_tokens": "9"}, "max_tokens"),
        ({"max_tokens": True}, "max_tokens"),
        ({"stop": [1]}, "stop"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"tool_choice": "required"}, "tool_choice"),
    ],
)
def test_an_invalid_chat_request_names_the_parameter(change: Json, param: str) -> None:
    with pytest.raises(InvalidError) as caught:
        read_chat({"model": "m", "messages": HELLO, **change})
    assert caught.value.param == param


def test_a_missing_parameter_and_a_mixed_prompt_are_invalid() -> None:
    with pytest.raises(InvalidError, match="Missing required parameter: 'prompt'"):
        read_completion({"model": "m"})
    with pytest.raises(InvalidError):
        read_completion({"model": "m", "prompt": ["a", 1]})
