"""Recorded requests -> requests that can be sent: invented words, as many tokens as were recorded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, cycle, islice
from typing import Any

from msgspec import Struct

from router.simulate.asked import TOKENS_PER_MESSAGE
from router.simulate.day import Recorded
from router.simulate.generate import tokenize

_WORDS = tokenize(" and then some more words that nobody wrote,")
_CARD = "Please charge 4111 1111 1111 1111."
_CARD_EVERY = 60
_LABEL_EVERY = 45
_STREAM_EVERY = 4
_LONGEST_STREAM = 500
"""Tokens: an event for each of many more would be work without being a sight."""


class Sender(Struct, frozen=True):
    """Who sends: a key of the gateway, and the model that it asks for. `key` is a secret, which `repr` leaves out."""

    name: str
    key: str
    model: str

    def __repr__(self) -> str:
        return f"Sender({self.name})"


class Ask(Struct, frozen=True):
    at: float
    """Seconds since midnight."""
    sender: Sender
    headers: Mapping[str, str]
    body: Mapping[str, Any]


def asks(day: Sequence[Recorded], senders: Sequence[Sender]) -> Iterator[Ask]:
    """Every recorded client is one of the senders, always the same one.

    Some requests say that they are restricted, and some hold a (test) card number, which says it for them. Every
    fourth one is streamed unless it is long.
    """
    for number, recorded in enumerate(day, 1):
        sender = senders[recorded.client % len(senders)]
        labelled = number % _LABEL_EVERY == 0
        yield Ask(
            at=recorded.at,
            sender=sender,
            headers={"x-breakeven-sensitivity": "restricted"} if labelled else {},
            body=_body(number, recorded, sender.model),
        )


def _body(number: int, recorded: Recorded, model: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": model,
        "messages": [{"role": "user", "content": prompt_of(number, recorded.input - TOKENS_PER_MESSAGE)}],
        "max_tokens": max(1, recorded.output),
        "ignore_eos": True,
    }
    if number % _STREAM_EVERY == 0 and recorded.output <= _LONGEST_STREAM:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return body


def prompt_of(number: int, tokens: int) -> str:
    """A text of so many tokens, at least one, as the pretended backends count them."""
    begin = _CARD if number % _CARD_EVERY == 0 else f"Simulated request {number} of a replayed day."
    return "".join(islice(chain(tokenize(begin), cycle(_WORDS)), max(1, tokens)))
