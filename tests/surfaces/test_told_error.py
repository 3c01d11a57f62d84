from __future__ import annotations

import json

import pytest

from router.surfaces.told_error import LONGEST, MOST_OF_A_MESSAGE, ToldError, shortened, tells_error, told_in, value_of


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"error": {"message": "no", "type": "t", "param": "p", "code": "c"}}, ToldError("no", "t", "c", "p")),
        ({"error": {"message": "no", "type": 5, "param": 5, "code": True}}, ToldError("no")),
        ({"type": "error", "error": {"type": "api_error", "message": "no"}}, ToldError("no", "api_error")),
        ({"object": "error", "message": "no", "type": "t", "code": 400}, ToldError("no", "t", 400)),
        ({"type": "error", "message": "no", "code": "c"}, ToldError("no", "", "c")),
        ({"message": "no", "code": 503}, ToldError("no")),
        ({"error": {"message": " ", "msg": "no"}}, ToldError("no")),
        (["no", 5, {"msg": "never"}], ToldError("no; never")),
        (7, ToldError()),
    ],
)
def test_what_it_says_is_kept(value: object, told: ToldError) -> None:
    assert told_in(value) == told


def test_a_message_is_kept_as_it_is_up_to_a_bound() -> None:
    said = "<b> 'n' \n must\t be " + "x" * MOST_OF_A_MESSAGE
    assert told_in({"error": {"message": said}}).message == said[:MOST_OF_A_MESSAGE]


@pytest.mark.parametrize(
    ("payload", "tells"),
    [
        (b'{"error": {}}', True),
        (b'{"error": null, "object": "error"}', True),
        (b'{"type": "error"}', True),
        (b'{"detail": "gone"}', True),
        (b'{"detail": []}', False),
        (b'{"message": "gone", "status": 503}', True),
        (b'{"message": "third in the queue", "code": 3}', False),
        (b'{"choices": []}', False),
        (b'"gone"', True),
        (b'" "', False),
        (b"gone", True),
        (b" ", False),
        (b"[DONE]", False),
        (b"{half", False),
        (b"null", False),
    ],
)
def test_an_event_tells_an_error_or_does_not(payload: bytes, tells: bool) -> None:
    assert tells_error(payload) is tells


def test_an_event_with_an_error_is_one_wherever_it_stands() -> None:
    error = json.dumps({"detail": "gone"}).encode()
    assert value_of(b'data: {"choices": []}\n\nevent: error\ndata: ' + error + b"\n\n") == ({"detail": "gone"}, error)
    assert value_of(b": word\n\n")[0] == ": word\n\n"
    assert value_of(b"data: [DONE]\n\n")[0] is None


def test_a_long_error_is_told_by_its_first_words_and_a_huge_one_by_its_size() -> None:
    said = {"error": {"message": "No such field. " + "x" * LONGEST, "type": "bad", "param": "n", "code": 7}}
    short = json.loads(shortened(json.dumps(said).encode()))["error"]
    assert short.pop("message").startswith("No such field. xxx") and short == {"type": "bad", "param": "n", "code": 7}
    huge = json.loads(shortened(b"x" * 2_000_000))["error"]
    assert huge["message"] == "The backend's error has 2,000,000 bytes, and is not shown."
    assert len(shortened(b" " * (LONGEST + 1))) < 200
    ordinary = b"x" * LONGEST
    assert shortened(ordinary) is ordinary
