import json
from typing import Any

import pytest

from router.litellm_adapter.faithful import Faith, LostError, Wanted, texts_of, wanted


def lost(faith: Faith, sent: Any) -> str | None:
    try:
        faith.check(json.dumps(sent).encode())
    except LostError as error:
        return error.param
    return None


SEED = Faith((Wanted("seed", frozenset({"seed", "randomseed"})),))


def test_a_field_in_any_dialect_says_it() -> None:
    assert lost(SEED, {"messages": [], "random_seed": 1}) is None
    assert lost(SEED, {"contents": [], "generationConfig": {"seed": 1}}) is None
    assert lost(SEED, {"messages": []}) == "seed"


def test_what_clients_wrote_says_nothing() -> None:
    for place in ("messages", "input", "system_instruction"):
        assert lost(SEED, {place: [{"seed": 1}]}) == "seed"
    assert lost(SEED, {"messages": [], "tools": [{"parameters": {"properties": {"seed": {}}}}]}) == "seed"
    marked = Faith((Wanted("cache_control", frozenset({"cachecontrol"}), anywhere=True),))
    assert lost(marked, {"messages": [{"cache_control": {}}]}) is None


def test_a_value_may_say_it_too() -> None:
    form = Faith((Wanted("response_format", frozenset({"responseformat"}), said="json_tool_call"),))
    assert lost(form, {"messages": [], "tools": [{"name": "json_tool_call"}]}) is None
    assert lost(form, {"messages": [], "tools": [{"name": "another"}]}) == "response_format"


def test_names_and_texts_are_there_as_they_were() -> None:
    faith = Faith(names=(("get", "tools[0]"),), texts=(("What is it?\n", "messages"),))
    assert lost(faith, {"messages": [{"content": "What is it?"}], "tools": [{"name": "get"}]}) is None
    assert lost(faith, {"prompt": "User: What is it?\nAnswer:", "tools": [{"name": "get"}]}) is None
    assert lost(faith, {"messages": [{"content": "What is it?"}], "tools": [{"name": "getter"}]}) == "tools[0]"
    assert lost(faith, {"messages": [{"content": "What?"}], "tools": [{"name": "get"}]}) == "messages"


@pytest.mark.parametrize("sent", [b"grant_type=x", b"[1]", b'{"audience": "x"}', b"\xff"])
def test_requests_that_ask_no_model_are_not_looked_at(sent: bytes) -> None:
    SEED.check(sent)


def test_only_what_is_asked_is_wanted() -> None:
    signs = {"seed": ("seed",), "n": ("n",)}
    assert list(wanted({"seed": 1, "n": None}, signs)) == [Wanted("seed", frozenset({"seed"}))]


def test_texts_are_found_wherever_they_may_stand() -> None:
    messages = [
        {"content": "a"},
        {"content": [{"type": "text", "text": "b"}, {"type": "thinking", "thinking": "-", "text": "-"}]},
        {"content": [{"type": "tool_result", "content": [{"text": "c"}]}, {"type": "document", "source": "d"}]},
        {"content": [{"source": {"type": "text", "data": "e"}}, {"source": {"type": "base64", "data": "-"}}]},
        {"content": [{"source": {"type": "content", "content": "f"}, "context": "g"}]},
        {"type": "function_call_output", "output": "h"},
        {"content": '{"json": 1}'},
        {"content": "  "},
    ]
    assert {text for text, _ in texts_of(messages, "messages")} == set("abcdefgh")
