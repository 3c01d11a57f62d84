"""POST /v1/audio/transcriptions: the text of a recording, as JSON, as plain text or subtitles, or streamed."""

from __future__ import annotations

from typing import ClassVar

from router.core.policy_fields import Modality
from router.core.reading import BadBody, Reading
from router.core.units import Units
from router.core.values import Usage
from router.surfaces.form import Form
from router.surfaces.form_labels import labels_of
from router.surfaces.openai.media.answers import transcript_in
from router.surfaces.openai.media.forms import (
    FormSurface,
    count_in,
    example_of,
    flag_in,
    model_in,
    text_bytes_in,
)
from router.surfaces.openai.media.seconds import length_of, tokens_of
from router.surfaces.openai.read_request import FRAME_TOKENS

_HEARD: frozenset[Modality] = frozenset({"text", "audio"})
_PLAIN = frozenset({"text", "srt", "vtt"})
"""Formats that are no JSON."""


class Recordings(FormSurface):
    """Endpoints that hear a recording."""

    paid_by: ClassVar[tuple[str, ...]] = ("second", "audio_input")

    def read_form(self, form: Form) -> Reading:
        model, span = model_in(form)
        files = [form.content(part) for part in form.parts if part.filename is not None]
        if not files:
            raise BadBody("You must provide a file.", "file", "missing_required_parameter")
        lengths = [length_of(file) for file in files]
        likely, most = sum(each.likely for each in lengths), sum(each.most for each in lengths)
        most = _begun(most)
        text = text_bytes_in(form)
        limit = count_in(form, "max_completion_tokens")
        return Reading(
            model=model,
            stream=flag_in(form, "stream") or False,
            wants_usage=flag_in(form, "stream_include_usage"),
            max_output_tokens=limit if limit > 0 else None,
            input_tokens=(text + 2) // 3,
            modalities=_HEARD,
            unreadable=("audio",),
            labels=labels_of(form),
            model_span=span,
            options_span=None,
            input_bound=text + FRAME_TOKENS + tokens_of(most),
            answers=1,
            content_type=form.content_type,
            texts=form.texts,
            binary=form.text("response_format") in _PLAIN,
            units=Units(milliseconds=most, audio_input=tokens_of(most)),
            likely=Units(milliseconds=likely, audio_input=tokens_of(likely)),
            may_come_whole=True,
        )

    def example(self, model: str, prompt: str) -> bytes:
        return example_of(model, {"prompt": prompt}, "file")

    def read_answer(self, body: bytes) -> tuple[bool, Usage | None]:
        return transcript_in(body)

    def text_bytes_of(self, body: bytes) -> int:
        return len(body)


class Transcriptions(Recordings):
    def __init__(self) -> None:
        super().__init__("transcriptions", "/audio/transcriptions")


def _begun(milliseconds: int) -> int:
    """Whole seconds: some charge for one that has begun."""
    return -(-milliseconds // 1000) * 1000
