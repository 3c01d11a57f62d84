"""What is in a request, string by string, with a memory of what was in strings before."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from secrets import token_bytes
from typing import Final, Protocol

import msgspec

from router.core.sensitivity.entities import FAILED, NO_TEXT, TOO_MANY, Answer, Question
from router.core.sensitivity.memory import BoundedMemory, Findings
from router.presidio.texts import NoText, TooManyParts, pieces_of, strings_of

MOST_REMEMBERED = 65_536
"""Strings: about fifteen megabytes."""
REMEMBERED_AT_ONCE = 1_000
"""Strings after which others have their turn, though nothing had to be looked at."""


class Analyzer(Protocol):
    def entities_in(self, text: str, entities: tuple[str, ...], min_score: float) -> frozenset[str]: ...


class Finder:
    def __init__(self, analysis: Analyzer) -> None:
        self._analysis: Final = analysis
        self._memory: Final = BoundedMemory(token_bytes(32), MOST_REMEMBERED)

    def steps(self, question: Question, body: bytes) -> Iterator[Answer | None]:
        """None after each piece that was looked at, so that others have their turn, and the answer at the end."""
        try:
            found: set[str] = set()
            for number, text in enumerate(_texts(question, body), 1):
                if found.issuperset(question.entities):
                    break
                if number % REMEMBERED_AT_ONCE == 0:
                    yield None
                yield from self._look(text, question, found)
            yield Answer(found=tuple(sorted(found)))
        except NoText:
            yield Answer(why=NO_TEXT)
        except TooManyParts:
            yield Answer(why=TOO_MANY)
        except Exception as error:
            # Not the error's own text, which may quote what it failed on.
            where = "".join(traceback.format_tb(error.__traceback__))
            sys.stderr.write(f"presidio failed on a request: {type(error).__name__}\n{where}")
            yield Answer(why=FAILED)

    def _look(self, text: str, question: Question, found: set[str]) -> Iterator[None]:
        name = msgspec.json.encode((question.entities, question.min_score)) + b"\n" + text.encode(errors="replace")
        known = self._memory.recall(name)
        if known is None:
            kinds: frozenset[str] = frozenset()
            for piece in pieces_of(text):
                kinds |= self._analysis.entities_in(piece, question.entities, question.min_score)
                yield None
            known = Findings(kinds, 0)
            self._memory.keep(name, known)
        found |= known.kinds


def _texts(question: Question, body: bytes) -> Iterator[str]:
    start = 0
    for size in question.sizes:
        yield from strings_of(body[start : start + size])
        start += size
