"""POST /v1/images/variations: a picture once more, but different."""

from __future__ import annotations

from router.surfaces.openai.media.image_edits import PicturesOfPictures


class ImageVariations(PicturesOfPictures):
    def __init__(self) -> None:
        super().__init__("image_variations", "/images/variations")
