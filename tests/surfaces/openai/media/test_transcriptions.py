from __future__ import annotations

import json

import pytest

from router.core.reading import BadBody
from router.surfaces.openai.media.forms import BOUNDARY, example_of
from router.surfaces.openai.media.transcriptions import Transcriptions

TRANSCRIPTIONS = Transcriptions()


def test_words_are_readable_and_sound_is_not() -> None:
    body = example_of("m", {"prompt": "Dr. Who"}, "file").replace(b"\r\n\r\n\r\n", b"\r\n\r\nID3\r\n")
    reading = TRANSCRIPTIONS.read(body)
    assert (reading.unreadable, reading.modalities) == (("audio",), {"text", "audio"})
    assert json.loads(reading.texts) == [["model", "m"], ["prompt", "Dr. Who"], ["file", "file", ""], [BOUNDARY, ""]]
    assert reading.units.milliseconds > reading.likely.milliseconds > 0
    assert (reading.stream, reading.binary, reading.may_come_whole) == (False, False, True)
    assert reading.content_type.startswith("multipart/form-data")


@pytest.mark.parametrize(
    ("fields", "stream", "binary", "limit"),
    [
        ({"stream": "true"}, True, False, None),
        ({"response_format": "verbose_json"}, False, False, None),
        ({"response_format": "srt"}, False, True, None),
        ({"max_completion_tokens": "50"}, False, False, 50),
    ],
)
def test_how_it_is_to_be_answered(fields: dict[str, str], stream: bool, binary: bool, limit: int | None) -> None:
    reading = TRANSCRIPTIONS.read(example_of("m", fields, "file"))
    assert (reading.stream, reading.binary, reading.max_output_tokens) == (stream, binary, limit)


def test_without_a_recording_there_is_nothing_to_hear() -> None:
    with pytest.raises(BadBody, match="file"):
        TRANSCRIPTIONS.read(example_of("m", {}, ""))


def test_an_answer_has_a_text() -> None:
    assert TRANSCRIPTIONS.read_answer(b'{"text":"Hi"}') == (True, None)
    assert TRANSCRIPTIONS.usage_of(b'{"text":"Hi","duration":1}') is not None
    assert TRANSCRIPTIONS.text_bytes_of(b"Hi") == 2


def test_a_second_that_has_begun_may_be_charged() -> None:
    body = example_of("m", {}, "file").replace(b"\r\n\r\n\r\n", b"\r\n\r\nID3\r\n")
    assert TRANSCRIPTIONS.read(body).units.milliseconds == 1000
