"""POST /v1/images/edits: pictures made of pictures, which come in a form, or by their addresses."""

from __future__ import annotations

from typing import Any, ClassVar

from msgspec.structs import replace

from router.core.policy_fields import Modality
from router.core.reading import Reading
from router.core.values import Route, Usage
from router.surfaces.edited import Edited
from router.surfaces.form import Form, is_form, told_by
from router.surfaces.form_labels import labels_of
from router.surfaces.openai.editing import edit
from router.surfaces.openai.media.answers import pictures_in
from router.surfaces.openai.media.forms import FormSurface, example_of, flag_in, model_in, text_bytes_in
from router.surfaces.openai.media.images import read_object
from router.surfaces.openai.media.pictures import DEFAULT_MODEL, PAID_BY, pictures, tokens_of, units_of
from router.surfaces.openai.read_request import FRAME_TOKENS, MEDIA_BOUND
from router.surfaces.openai.shape import Shape
from router.surfaces.openai.stream import object_of

_SHAPE = Shape(prompts=("images", "image", "mask"))
_SEEN: frozenset[Modality] = frozenset({"text", "image"})
_PICTURE_TOKENS = 1500


class PicturesOfPictures(FormSurface):
    """Endpoints that take pictures."""

    paid_by: ClassVar[tuple[str, ...]] = PAID_BY

    def read_form(self, form: Form) -> Reading:
        model, span = model_in(form, DEFAULT_MODEL)
        n = pictures(form.text("n"))
        quality, size = form.text("quality"), form.text("size")
        tokens = tokens_of(n, quality, form.text("partial_images"))
        given = sum(part.filename is not None for part in form.parts)
        text = text_bytes_in(form)
        units = units_of(n, tokens, given, quality, size)
        return Reading(
            model=model,
            stream=flag_in(form, "stream") or False,
            wants_usage=True,
            max_output_tokens=tokens,
            input_tokens=(text + 2) // 3 + _PICTURE_TOKENS * given,
            modalities=_SEEN,
            unreadable=("image",),
            labels=labels_of(form),
            model_span=span,
            options_span=None,
            input_bound=text + FRAME_TOKENS + MEDIA_BOUND * given,
            answers=n,
            content_type=form.content_type,
            texts=form.texts,
            units=units,
            likely=replace(units, image_input=0, image_output=0),
            may_come_whole=True,
        )

    def example(self, model: str, prompt: str) -> bytes:
        return example_of(model, {"prompt": prompt}, "image")

    def read_answer(self, body: bytes) -> tuple[bool, Usage | None]:
        return pictures_in(body)

    def text_bytes_of(self, body: bytes) -> int:
        return 0


class ImageEdits(PicturesOfPictures):
    def __init__(self) -> None:
        super().__init__("image_edits", "/images/edits")

    def read(self, body: bytes) -> Reading:
        return self.read_as(body, told_by(body))

    def read_as(self, body: bytes, content_type: str) -> Reading:
        if is_form(content_type):
            return super().read_as(body, content_type)
        reading = read_object(body, _SHAPE)
        ids = file_ids_in(object_of(body) or {})
        return replace(reading, refers_to=ids) if ids else reading

    def edit(self, body: bytes, reading: Reading, route: Route) -> Edited:
        if reading.content_type:
            return super().edit(body, reading, route)
        return edit(body, reading, model=route.upstream_model, include_usage=False)


def file_ids_in(asked: dict[str, Any]) -> tuple[str, ...]:
    """Of pictures that the provider keeps."""
    given = asked.get("images")
    places = [*(given if isinstance(given, list) else ()), asked.get("mask")]
    ids = [id for each in places if isinstance(each, dict) and isinstance(id := each.get("file_id"), str)]
    return tuple(dict.fromkeys(ids))
