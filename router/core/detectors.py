"""Detectors: labels for what the text of a request contains."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from router.core import encodings
from router.core.finders import FINDERS, Text
from router.core.finders.text import flat
from router.core.policy import Detector, DetectorName
from router.core.unescape import levels, plain, revealed
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
    def __init__(self, labels: tuple[tuple[DetectorName, Label], ...]) -> None:
        self._labels = labels
        self._sought = frozenset(kind for kind, _ in labels)
        self.gives_tags = any(label.tags for _, label in labels)

    def scan(self, texts: Iterable[str]) -> tuple[Label, ...]:
        return self._for(self._found(_readable(text) for text in texts))

    def scan_body(self, body: bytes) -> tuple[Label, ...]:
        return self._for(self._found(_texts(body)))

    def _found(self, texts: Iterable[Text]) -> set[DetectorName]:
        found: set[DetectorName] = set()
        for text in texts:
            found |= _find(text, self._sought - found)
            if found == self._sought:
                break
        return found

    def _for(self, found: set[DetectorName]) -> tuple[Label, ...]:
        return tuple([label for kind, label in self._labels if kind in found]) if found else ()


def compile_detectors(detectors: tuple[Detector, ...]) -> Detectors:
    """The detectors of a policy, in its order; one label for each kind and detector."""
    labels = tuple((kind, _label(kind, detector)) for detector in detectors for kind in detector.find)
    return _Configured(labels) if labels else Detectors()


def _label(kind: DetectorName, detector: Detector) -> Label:
    tags = () if detector.tag is None else (detector.tag,)
    return Label(level=detector.raise_to, tags=tags, source=f"detector {kind}")


def find(text: str, sought: frozenset[DetectorName]) -> set[DetectorName]:
    """Which of the kinds are in a text (one of `core.unescape.passes`)."""
    return _find(_readable(text), sought)


def _readable(text: str) -> Text:
    return Text(flat(text.encode(errors="replace")))


def _texts(body: bytes) -> Iterator[Text]:
    """As `core.unescape.passes`; most bodies are their own and only text."""
    data = plain(body)
    text = Text(data or b"")
    if data is not None:
        yield text
    else:
        for level in levels(body):
            text = _readable(level)
            yield text
    if encodings.may_hide(text):
        yield from map(_readable, revealed(text.data))


def _find(text: Text, sought: frozenset[DetectorName]) -> set[DetectorName]:
    return {kind for kind, finder in FINDERS.items() if kind in sought and finder(text)}
