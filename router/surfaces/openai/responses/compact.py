"""POST /v1/responses/compact: a conversation as items that take less room, for what comes after."""

from __future__ import annotations

from msgspec.structs import replace

from router.core.reading import Reading
from router.surfaces.openai.responses.surface import Responses


class Compact(Responses):
    """Its body and its answer are those of a response without a status."""

    def __init__(self) -> None:
        super().__init__("responses_compact", "/responses/compact")

    def read(self, body: bytes) -> Reading:
        """It is never streamed, whatever is asked for."""
        return replace(super().read(body), stream=False)
