"""POST /v1/audio/translations: what a recording says, in English."""

from __future__ import annotations

from router.surfaces.openai.media.transcriptions import Recordings


class Translations(Recordings):
    def __init__(self) -> None:
        super().__init__("translations", "/audio/translations")
