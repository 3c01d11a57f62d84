"""Requests that stand for recorded ones: as many tokens, and nobody's words."""

from __future__ import annotations

from router.simulate.asked import read_chat
from router.simulate.day import Recorded, recorded_day
from router.simulate.traffic import Sender, asks

SENDERS = (Sender("one", "bk-secret-1", "chat"), Sender("two", "bk-secret-2", "code"))


def asked(count: int, **fields):
    recorded = Recorded(**{"at": 5.0, "client": 0, "input": 100, "output": 40} | fields)
    return list(asks([recorded] * count, SENDERS))


def test_as_many_tokens_as_were_recorded():
    (ask,) = asked(1, input=1234, output=567)
    assert read_chat(ask.body).prompt_tokens == 1234
    assert ask.body["max_tokens"] == 567 and ask.at == 5.0


def test_of_every_request_of_the_day():
    day = recorded_day()
    sizes = [read_chat(ask.body).prompt_tokens for ask in asks(day, SENDERS)]
    assert all(size == max(5, recorded.input) for size, recorded in zip(sizes, day, strict=True))


def test_a_client_is_always_the_same_sender():
    assert {ask.sender.name for ask in asked(20, client=7)} == {"two"}
    assert asked(1, client=8)[0].body["model"] == "chat"


def test_some_are_streamed_but_none_that_is_long():
    streamed = [ask.body.get("stream", False) for ask in asked(8)]
    assert streamed == [False, False, False, True] * 2
    assert not any("stream" in ask.body for ask in asked(8, output=5000))


def test_some_say_that_they_are_restricted_and_some_show_it():
    found = asked(180)
    assert sum(ask.headers == {"x-breakeven-sensitivity": "restricted"} for ask in found) == 4
    assert sum("4111 1111 1111 1111" in ask.body["messages"][0]["content"] for ask in found) == 3


def test_a_key_does_not_show_itself():
    assert "secret" not in repr(SENDERS) + repr(asked(1))
