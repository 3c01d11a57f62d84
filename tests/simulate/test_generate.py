import json

import pytest

from router.simulate.generate import (
    Choice,
    call_tool,
    count_tokens,
    sample,
    simulated_text,
    timeline,
    tokenize,
    write_text,
)


@pytest.mark.parametrize(
    "text", ["", " ", "Hi", "One, two.  Three\n", "  leading", "internationalization", "Größe 日本語 🙂!", "a\n\n\nb\t"]
)
def test_tokens_join_to_the_text(text: str) -> None:
    assert "".join(tokenize(text)) == text
    assert count_tokens(text) == len(tokenize(text))


def test_a_token_is_a_word_or_a_sign() -> None:
    assert tokenize("Hello, my dear friend!") == ("Hello", ",", " my", " dear", " friend", "!")
    assert tokenize("abcdefghij") == ("abcdefgh", "ij")


def test_the_text_says_that_it_is_simulated_and_differs_by_answer() -> None:
    first, second = simulated_text("m", "Hi", 0), simulated_text("m", "Hi", 1)
    assert first.startswith("This is a simulated answer from m")
    assert first != second
    assert first == simulated_text("m", "Hi", 0)


def test_long_prompts_are_quoted_in_part() -> None:
    assert len(simulated_text("m", "word " * 1000, 0)) < 200


def test_a_text_that_fits_stops_by_itself() -> None:
    choice = write_text(0, "One two", 10, (), endless=False)
    assert (choice.text, choice.finish, choice.tokens) == ("One two", "stop", 2)


def test_a_text_is_cut_at_the_limit() -> None:
    choice = write_text(0, "One two three", 2, (), endless=False)
    assert (choice.text, choice.finish, choice.tokens) == ("One two", "length", 2)


def test_an_endless_text_goes_on_to_the_limit() -> None:
    choice = write_text(0, "One two", 7, (), endless=True)
    assert (choice.finish, choice.tokens, len(choice.pieces)) == ("length", 7, 7)


def test_the_first_stop_sequence_cuts_and_its_tokens_count() -> None:
    choice = write_text(0, "Hello! How are you?", 10, ("are", "!"), endless=False)
    assert choice == Choice(0, ("Hello",), "stop", stop_reason="!", tokens=2)


def test_a_stop_sequence_beyond_the_limit_is_never_reached() -> None:
    choice = write_text(0, "One two three four", 2, ("four",), endless=False)
    assert (choice.text, choice.finish) == ("One two", "length")


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "object", "properties": {"a": {"type": "integer"}, "b": {}}, "required": ["a"]}, {"a": 0}),
        ({"type": "object", "properties": {"a": {"enum": ["x", "y"]}}}, {"a": "x"}),
        ({"const": 5}, 5),
        ({"type": ["string", "null"]}, "simulated"),
        ({"type": "array"}, []),
        ({}, {}),
    ],
)
def test_sample_fits_the_schema(schema: dict[str, object], value: object) -> None:
    assert sample(schema) == value


def test_a_tool_call_has_json_arguments() -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    choice = call_tool(0, "weather", schema, 100, named=False)
    assert json.loads(choice.text) == {"city": "simulated"}
    assert (choice.tool, choice.finish) == ("weather", "tool_calls")
    assert call_tool(0, "weather", schema, 100, named=True).finish == "stop"
    assert call_tool(0, "weather", schema, 2, named=True).finish == "length"


def test_choices_are_produced_side_by_side() -> None:
    a, b = Choice(0, ("a1", "a2"), "stop"), Choice(1, ("b1",), "stop")
    assert [(t.step, t.piece, t.last) for t in timeline((a, b))] == [(0, "a1", False), (0, "b1", True), (1, "a2", True)]


def test_a_choice_without_tokens_still_ends() -> None:
    assert [(t.piece, t.last) for t in timeline((Choice(0, (), "stop"),))] == [("", True)]
