from __future__ import annotations

from router.surfaces.openai.media.image_variations import ImageVariations


def test_it_takes_a_picture() -> None:
    surface = ImageVariations()
    assert surface.paths == ("/v1/images/variations",)
    assert surface.read(surface.example("m", "Hello")).unreadable == ("image",)
