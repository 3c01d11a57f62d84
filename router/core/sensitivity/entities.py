"""Detectors whose finder is a process of its own: when it is asked, what it is asked, and what its answer means.

A frame to it is twelve bytes, two lengths (4 and 8, big-endian), then a `Question` as JSON and the pieces that it is
about. Its answer is an `Answer` as JSON, whole. Whatever else comes, or nothing in time, counts as if all that was
asked for had been found.
"""

from __future__ import annotations

import struct
from hashlib import blake2b
from typing import Final

import msgspec
from msgspec import Struct

from router.core.policy import Detector, Presidio
from router.core.sensitivity.gate import UNANSWERED, classify
from router.core.values import Label, Permits, Plan

LENGTHS = struct.Struct(">IQ")
MOST_ANSWER = 16 * 1024
"""Bytes. An answer names kinds, of which a policy has few."""
NOT_RUNNING = "presidio: it is not running, or not yet"
TOO_SLOW = "presidio: it did not answer in time"
BUSY = "presidio: too many requests wait for it"
NONSENSE = "presidio: its answer makes no sense"
FAILED = "presidio: it failed on this request"
NO_TEXT = "presidio: it cannot read the body"
TOO_MANY = "presidio: the body has more parts than it looks at"


class Question(Struct, frozen=True):
    entities: tuple[str, ...]
    min_score: float
    sizes: tuple[int, ...]
    """Bytes of the pieces, each a JSON document."""
    key: str = ""
    """The name of whose turn it takes."""


class Answer(Struct, frozen=True):
    """Either what was found, or why nobody knows."""

    found: tuple[str, ...] = ()
    why: str = ""


class Unanswered(Exception):
    """The text says why: one of the sentences above, never anything of a request."""


class EntitySearch:
    """What one policy has sought by it."""

    def __init__(self, plan: Plan, detectors: tuple[Detector, ...], presidio: Presidio) -> None:
        self._plan: Final = plan
        self._detectors: Final = detectors
        self.presidio: Final = presidio
        self.entities: Final = tuple(sorted({entity for each in detectors for entity in each.entities}))
        asked = msgspec.json.encode((presidio.model, presidio.language, self.entities))
        self.socket: Final = f"presidio-{blake2b(asked, digest_size=6).hexdigest()}.sock"
        """The name of the socket that the process for just this listens on."""

    def wanted(self, labels: tuple[Label, ...], permits: Permits) -> tuple[Detector, ...]:
        """Those whose findings could change something for a request that has these labels already."""
        known = classify(self._plan, labels, permits)
        levels = self._plan.levels
        rank = levels.index(known.level)
        return tuple(
            [
                each
                for each in self._detectors
                if (each.raise_to is not None and levels.index(each.raise_to) > rank)
                or (each.tag is not None and each.tag not in known.tags)
            ]
        )

    def question(self, detectors: tuple[Detector, ...], pieces: tuple[bytes, ...], key: str = "") -> Question:
        entities = tuple(sorted({entity for each in detectors for entity in each.entities}))
        return Question(entities, self.presidio.min_score, tuple(map(len, pieces)), key)


def entity_search(plan: Plan) -> EntitySearch | None:
    """None for a policy that seeks no entities."""
    section = plan.policy.sensitivity
    detectors = tuple([each for each in section.detectors if each.entities]) if section is not None else ()
    presidio = section.presidio if section is not None else None
    return EntitySearch(plan, detectors, presidio) if detectors and presidio is not None else None


def found_labels(detectors: tuple[Detector, ...], found: frozenset[str]) -> tuple[Label, ...]:
    """A label for each kind and detector, which says what kind was found, never the text."""
    return tuple(
        [
            _label(each, f"detector presidio {entity}")
            for each in detectors
            for entity in each.entities
            if entity in found
        ]
    )


def unanswered_labels(detectors: tuple[Detector, ...], why: str) -> tuple[Label, ...]:
    return tuple([_label(each, f"{UNANSWERED}{why}") for each in detectors])


def _label(detector: Detector, source: str) -> Label:
    return Label(detector.raise_to, () if detector.tag is None else (detector.tag,), source)


def frame(question: Question, pieces: tuple[bytes, ...]) -> tuple[bytes, ...]:
    head = msgspec.json.encode(question)
    return (LENGTHS.pack(len(head), sum(question.sizes)) + head, *pieces)


def answer_of(data: bytes, question: Question) -> frozenset[str]:
    """Raises Unanswered for whatever is no answer to that question."""
    try:
        answer = msgspec.json.decode(data, type=Answer)
    except msgspec.DecodeError:  # of the wrong shape, too
        raise Unanswered(NONSENSE) from None
    found = frozenset(answer.found)
    if answer.why:
        raise Unanswered(answer.why if answer.why in (BUSY, FAILED, NO_TEXT) else NONSENSE)
    if not found <= frozenset(question.entities) or b"found" not in data:
        raise Unanswered(NONSENSE)
    return found
