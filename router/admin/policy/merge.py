"""Two edits of one text, put together line by line: what only one of them changed is taken from it, and where both
changed the same lines in different ways, both stand there, between marks that no policy has.

Works on text, so that comments and the order of keys stay. Nothing is ever dropped: a line of the result that is in
neither edit does not exist, and one that both have is in the result.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from msgspec import Struct

MINE, BETWEEN, THEIRS = "<<<<<<< your draft", "=======", ">>>>>>> in the file now"
"""Lines around what contradicts. YAML takes none of them for anything, so that a draft with one cannot be applied."""


class Conflict(Struct, frozen=True):
    first: int
    """Line of MINE in the merged text, from 1."""
    last: int
    """Line of THEIRS."""
    mine: str
    theirs: str


class Merged(Struct, frozen=True):
    text: str
    conflicts: tuple[Conflict, ...]


class _Region(Struct, frozen=True):
    base: tuple[str, ...]
    mine: tuple[str, ...]
    theirs: tuple[str, ...]


def marks_in(text: str) -> list[int]:
    """The lines, from 1, at which what contradicts begins, or ends."""
    return [number for number, line in enumerate(text.splitlines(), 1) if line in (MINE, THEIRS)]


def merge(base: str, mine: str, theirs: str) -> Merged:
    """`mine` and `theirs` were both made from `base`."""
    lines: list[str] = []
    conflicts: list[Conflict] = []
    for region in _regions(*(tuple(text.splitlines(keepends=True)) for text in (base, mine, theirs))):
        settled = _settled(region)
        if settled is not None:
            lines += settled
            continue
        ours, others = _ended(region.mine), _ended(region.theirs)
        first = len(lines) + 1
        lines[-1:] = _ended(lines[-1:])
        lines += [f"{MINE}\n", *ours, f"{BETWEEN}\n", *others, f"{THEIRS}\n"]
        conflicts.append(Conflict(first, len(lines), "".join(region.mine), "".join(region.theirs)))
    return Merged("".join(lines), tuple(conflicts))


def _settled(region: _Region) -> Sequence[str] | None:
    """What both agree on, or only one has changed; None where they contradict."""
    if region.mine in (region.theirs, region.base):
        return region.theirs
    return region.mine if region.theirs == region.base else None


def _ended(lines: Sequence[str]) -> list[str]:
    """With an end of the last line, which a text may lack."""
    return [*lines[:-1], *(line if line.endswith("\n") else f"{line}\n" for line in lines[-1:])]


def _regions(base: tuple[str, ...], mine: tuple[str, ...], theirs: tuple[str, ...]) -> Iterator[_Region]:
    """All of the three, cut where all agree."""
    at = at_mine = at_theirs = 0
    for start, start_mine, start_theirs, size in _agreed(base, mine, theirs):
        yield _Region(base[at:start], mine[at_mine:start_mine], theirs[at_theirs:start_theirs])
        same = base[start : start + size]
        yield _Region(same, same, same)
        at, at_mine, at_theirs = start + size, start_mine + size, start_theirs + size
    yield _Region(base[at:], mine[at_mine:], theirs[at_theirs:])


def _agreed(
    base: tuple[str, ...], mine: tuple[str, ...], theirs: tuple[str, ...]
) -> Iterator[tuple[int, int, int, int]]:
    """Runs of lines that are in all three: where they begin in each, and how many lines they have."""
    ours, others = _matches(base, mine), _matches(base, theirs)
    one = two = 0
    while one < len(ours) and two < len(others):
        start = max(ours[one][0], others[two][0])
        stop = min(ours[one][0] + ours[one][2], others[two][0] + others[two][2])
        if start < stop:
            in_mine = ours[one][1] + start - ours[one][0]
            in_theirs = others[two][1] + start - others[two][0]
            yield start, in_mine, in_theirs, stop - start
        if ours[one][0] + ours[one][2] < others[two][0] + others[two][2]:
            one += 1
        else:
            two += 1


def _matches(base: tuple[str, ...], other: tuple[str, ...]) -> list[tuple[int, int, int]]:
    """Where runs of the same lines begin in the base and in the other, and their lengths."""
    found = SequenceMatcher(None, base, other, autojunk=False).get_matching_blocks()
    return [(block.a, block.b, block.size) for block in found if block.size]
