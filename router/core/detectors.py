"""Detectors: labels for what the text of a request contains.

Almost all text contains nothing of interest, and a look at its shape shows that: the numbers sought have nine digits
or more, apart from separators, and replacing digits and deleting separators makes that a search for one literal.
Only around such places are the patterns of `core.finders` tried. (This is as fast as one pass of google-re2.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from router.core import finders
from router.core.policy import Detector, DetectorName
from router.core.unescape import passes
from router.core.values import Label

_IN_NUMBERS: Mapping[DetectorName, finders.Finder] = {
    "credit_card": finders.credit_card,
    "iban": finders.iban,
    "us_ssn": finders.us_ssn,
    "phone": finders.phone,
}
_FEWEST_DIGITS = 9
_BLOCK = 4096


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
    def __init__(self, labels: tuple[tuple[DetectorName, Label], ...]) -> None:
        self._labels = labels
        self._sought = frozenset(kind for kind, _ in labels)
        self.gives_tags = any(label.tags for _, label in labels)

    def scan(self, texts: Iterable[str]) -> tuple[Label, ...]:
        found: set[DetectorName] = set()
        for text in texts:
            if _is_plain(text.encode("ascii", "replace")):
                continue
            found |= find(text, self._sought - found)
            if found == self._sought:
                break
        return tuple([label for kind, label in self._labels if kind in found]) if found else ()

    def scan_body(self, body: bytes) -> tuple[Label, ...]:
        if body.isascii() and body.find(b"\\u") < 0 and body.find(b"\\/") < 0 and _is_plain(body):
            return ()  # nothing is escaped, so the body is its own and only text
        return self.scan(passes(body))


_AT = ord("@")


def _is_plain(data: bytes) -> bool:
    """Whether nothing in a text has the shape of anything sought; so it is with most texts."""
    return not (
        _AT in data
        or finders.has_tokens(data)
        or finders.has_digits(data, 0, len(data), _FEWEST_DIGITS)
        or b"PRIVATE KEY-----" in data
    )


def compile_detectors(detectors: tuple[Detector, ...]) -> Detectors:
    """The detectors of a policy, in its order; one label for each kind and detector."""
    labels = tuple((kind, _label(kind, detector)) for detector in detectors for kind in detector.find)
    return _Configured(labels) if labels else Detectors()


def _label(kind: DetectorName, detector: Detector) -> Label:
    tags = () if detector.tag is None else (detector.tag,)
    return Label(level=detector.raise_to, tags=tags, source=f"detector {kind}")


def find(text: str, sought: frozenset[DetectorName]) -> set[DetectorName]:
    """Which of the kinds are in a text (one of `core.unescape.passes`)."""
    data = text.encode("ascii", "replace")
    found: set[DetectorName] = set()
    if "email" in sought and finders.email(data):
        found.add("email")
    if "api_key" in sought and finders.api_key(data):
        found.add("api_key")
    numbers = {kind: finder for kind, finder in _IN_NUMBERS.items() if kind in sought}
    if numbers:
        found |= _find_numbers(data, numbers)
    return found


def _find_numbers(data: bytes, sought: dict[DetectorName, finders.Finder]) -> set[DetectorName]:
    found: set[DetectorName] = set()
    for start, stop in _number_blocks(data):
        for kind in [kind for kind, finder in sought.items() if finder(data, start, stop)]:
            found.add(kind)
            del sought[kind]
        if not sought:
            break
    return found


def _number_blocks(data: bytes) -> Iterator[tuple[int, int]]:
    """Blocks in which, or just behind which, nine digits stand together."""
    for start in range(0, len(data), _BLOCK):
        stop = start + _BLOCK
        if finders.has_digits(data, start, stop, _FEWEST_DIGITS):
            yield start, stop
