"""What a worker and the process that reads large bodies for it tell each other.

The process says once that it is ready. A frame is twelve bytes, two lengths (4 and 8, big-endian), then a MessagePack
value and bytes of a body.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

from msgspec import Struct

from router.core.reading import Reading
from router.core.sensitivity.detectors import Detectors
from router.core.values import Label

LENGTHS = struct.Struct(">IQ")
READY = b"!"


class BodyToRead(Struct, frozen=True):
    """Goes with the body as it came."""

    surface: str
    """Its name."""
    encoding: str
    """Empty for a body that is not compressed."""
    limit: int
    """Bytes that it may inflate to."""
    detectors: bytes
    """Those of the policy, as JSON."""
    content_type: str = ""
    """What the body says it is."""
    dimensions: tuple[str, ...] = ()
    """What records keep of it, by the names that the policy has for it."""
    keep_texts: bool = False
    """Whether the texts of a form are looked at once more, by others."""


class Refused(Struct, frozen=True):
    """See `errors.ApiError`."""

    status: int
    code: str
    message: str
    param: str | None = None


class Brought(Struct, frozen=True):
    """Comes with the inflated body, if it was compressed. Either `reading` is there, or `refused`, or `defect`."""

    reading: Reading | None = None
    labels: tuple[Label, ...] = ()
    dimensions: tuple[str, ...] = ()
    refused: Refused | None = None
    defect: str = ""
    """The type and the place of an error of ours."""
    spent: bool = False
    """The process has grown so large that it ends now."""


class Found(Detectors):
    """What detectors found in one body, for whoever asks about that body; other texts they still look at themselves."""

    def __init__(self, detectors: Detectors, labels: tuple[Label, ...]) -> None:
        self._detectors = detectors
        self._labels = labels
        self.gives_tags = detectors.gives_tags

    def scan(self, texts: Iterable[str]) -> tuple[Label, ...]:
        return self._detectors.scan(texts)

    def scan_body(self, body: bytes) -> tuple[Label, ...]:
        return self._labels
