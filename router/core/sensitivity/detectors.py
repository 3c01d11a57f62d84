"""Detectors: labels for what the text of a request contains. How each kind is recognised stands in `finders`.

Patterns of the policy's own are sought in all that a body says, at every level of JSON in it; and in what is hidden in
other ways where the finders' kinds are sought, in the parts of the body in which something may be.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import reduce
from itertools import chain
from operator import or_

import msgspec

from router.core.policy import Detector
from router.core.sensitivity import encodings
from router.core.sensitivity.excerpts import excerpts
from router.core.sensitivity.finders import FINDERS
from router.core.sensitivity.finders.finder import ALWAYS, RUNS, Finder
from router.core.sensitivity.finders.text import Effort, Text, TooDense, flat
from router.core.sensitivity.memory import Findings, Memory
from router.core.sensitivity.own.patterns import OwnPatterns, compile_patterns
from router.core.sensitivity.prefilter import EVERYTHING, HIDDEN, glance
from router.core.sensitivity.seams import may_have_seams, seams_of
from router.core.sensitivity.unescape import bare, clear, levels, plain, revealed
from router.core.values import Label


class Detectors:
    """No detectors: nothing is read, nothing is found."""

    gives_tags = False
    """Whether a finding may give a tag, not only a level."""

    def scan(self, texts: Iterable[str]) -> tuple[Label, ...]:
        """Labels for everything found in any of the texts, which are read until everything sought was found.

        A label says what kind was found, never the text.
        """
        return ()

    def scan_body(self, body: bytes) -> tuple[Label, ...]:
        """As `scan`, for all that a request body (JSON in UTF-8) says."""
        return ()


class _Configured(Detectors):
    def __init__(self, labels: tuple[tuple[str, Label], ...], own: OwnPatterns, memory: Memory) -> None:
        self._labels = labels
        self._own = own
        self._kinds = frozenset(kind for kind, _ in labels) - own.names
        self._sought = self._kinds | own.names
        always = ALWAYS if own.names else 0
        self._clues = reduce(or_, (FINDERS[kind].needs for kind in self._kinds), HIDDEN | always)
        self._asked = msgspec.json.encode(sorted(self._kinds)) + own.identity + b"\n"
        self._memory = memory
        self.gives_tags = any(label.tags for _, label in labels)

    def scan(self, texts: Iterable[str]) -> tuple[Label, ...]:
        return self._for(self._found(_readable(texts)))

    def scan_body(self, body: bytes) -> tuple[Label, ...]:
        found = self._own_in(chain(clear(body), bare(body))) if self._own.names else set()
        if found != self._sought:
            parts, number_begins = excerpts().of(body)
            if parts or number_begins:
                self._look_into(chain(parts, _seams(body) if number_begins else ()), len(body), found)
        return self._for(found) if found else ()

    def _look_into(self, parts: Iterable[bytes], size: int, found: set[str]) -> None:
        """Adds what is sought, and in the parts of a body of that `size`, to what is `found`."""
        effort = Effort(size)
        for part in parts:
            found |= self._found_in(part, effort)
            if found == self._sought:
                break

    def _own_in(self, texts: Iterable[bytes]) -> set[str]:
        """Of the policy's own patterns."""
        found: set[str] = set()
        try:
            for text in texts:
                found |= self._own.found_in(text)
                if len(found) == len(self._own.names):
                    break
        except TooDense:
            return set(self._own.names)
        return found

    def _found_in(self, part: bytes, effort: Effort) -> frozenset[str]:
        """All that is sought in one part of a body. It takes the same effort whether it is remembered or not, so that a
        body which is too dense stays so; what could not be looked at to its end is not remembered."""
        name = self._asked + part
        known = self._memory.recall(name)
        if known is not None and known.steps <= effort.left:
            effort.spend(known.steps)
            return known.kinds
        before = effort.left
        found = frozenset(self._found(self._texts(part, effort)))
        if effort.left >= 0:
            self._memory.keep(name, Findings(found, before - effort.left))
        return found

    def _texts(self, part: bytes, effort: Effort) -> Iterator[tuple[Text, int]]:
        """All that a part of a body says, as texts with their clues; without those that have none. Most are one."""
        clues = RUNS | glance(part, self._clues) if part.isascii() else EVERYTHING
        data = plain(part)
        text = Text(data or b"", effort)
        if data is not None:
            yield text, clues
        else:
            for level in levels(part):
                raw = level.encode(errors="replace")
                clues = RUNS | glance(raw, self._clues)
                if clues & self._clues:
                    text = Text(flat(raw), effort)
                    yield text, clues
        if clues & HIDDEN and encodings.may_hide(text):
            for level in revealed(text.data):
                raw = level.encode(errors="replace")
                clues = RUNS | glance(raw, self._clues)
                if clues & self._clues:
                    yield Text(flat(raw), effort), clues
                if self._own.names:
                    yield from _bare(raw)

    def _found(self, texts: Iterable[tuple[Text, int]]) -> set[str]:
        """Fails closed: what is hidden too deep to be looked at counts as found."""
        found: set[str] = set()
        try:
            for text, clues in texts:
                found |= _find(text, self._kinds - found, clues) | self._own.found_in(text.data)
                if found == self._sought:
                    break
        except TooDense:
            return set(self._sought)
        return found

    def _for(self, found: set[str]) -> tuple[Label, ...]:
        return tuple([label for kind, label in self._labels if kind in found])


def own_patterns(detectors: tuple[Detector, ...]) -> OwnPatterns:
    """Of these detectors. Takes up to seconds. Raises `own.syntax.BadPattern`."""
    return compile_patterns(tuple((each.name, each.pattern) for each in detectors if each.name and each.pattern))


def only_own(patterns: OwnPatterns) -> Detectors:
    """What seeks these alone, wherever they are sought in a request; labels have no level."""
    excerpts()
    return _Configured(tuple((name, Label(source=name)) for name in patterns.names), patterns, Memory())


def compile_detectors(
    detectors: tuple[Detector, ...], memory: Memory | None = None, own: OwnPatterns | None = None
) -> Detectors:
    """The detectors of a policy, in its order; one label for each kind and detector.

    `memory` is of these detectors alone: what others find may be something else. `own` are their patterns, where they
    are compiled already.
    """
    labels = tuple((kind, _label(kind, detector)) for detector in detectors for kind in _kinds_of(detector))
    if not labels:
        return Detectors()
    excerpts()  # no request has to wait for it
    return _Configured(labels, own_patterns(detectors) if own is None else own, memory or Memory())


def _kinds_of(detector: Detector) -> tuple[str, ...]:
    return detector.find if detector.name is None else (detector.name,)


def _label(kind: str, detector: Detector) -> Label:
    tags = () if detector.tag is None else (detector.tag,)
    return Label(level=detector.raise_to, tags=tags, source=f"detector {kind}")


def _seams(body: bytes) -> Iterator[bytes]:
    if may_have_seams(body) and (seams := seams_of(body)):
        yield seams


def _readable(texts: Iterable[str]) -> Iterator[tuple[Text, int]]:
    for text in texts:
        raw = text.encode(errors="replace")
        yield Text(flat(raw)), EVERYTHING
        yield from _bare(raw)


def _bare(raw: bytes) -> Iterator[tuple[Text, int]]:
    r"""A text without its backslashes if it has any, `\n` being no new line; for the policy's own patterns alone."""
    if b"\\" in raw:
        yield Text(raw.replace(b"\\", b"")), 0


def _find(text: Text, sought: frozenset[str], clues: int) -> set[str]:
    return {
        kind for kind, finder in FINDERS.items() if kind in sought and clues & finder.needs and _is_in(text, finder)
    }


def _is_in(text: Text, finder: Finder) -> bool:
    """Fails closed: what there is too much of to be looked at counts as found."""
    try:
        return finder.is_in(text)
    except TooDense:
        return True
