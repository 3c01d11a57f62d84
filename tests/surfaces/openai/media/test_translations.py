from __future__ import annotations

from router.surfaces.openai.media.translations import Translations


def test_it_hears_as_transcriptions_do() -> None:
    surface = Translations()
    assert surface.paths == ("/v1/audio/translations",)
    assert surface.read(surface.example("m", "Hello")).unreadable == ("audio",)
