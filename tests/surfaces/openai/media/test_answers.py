from __future__ import annotations

import pytest

from router.core.units import NO_UNITS, Units
from router.core.values import Usage
from router.surfaces.openai.media.answers import Report, pictures_in, transcript_in

TOKENS = (
    b'{"text":"Hi","usage":{"type":"tokens","input_tokens":14,"input_token_details":{"text_tokens":4,"audio_tokens":10},'
    b'"output_tokens":45,"total_tokens":59}}'
)
WHOLE = b'{"created":1,"data":[{"b64_json":"iVBO"},{"b64_json":"iVBO"}],"usage":%b}'
GPT_IMAGE = (
    b'{"input_tokens":50,"input_tokens_details":{"text_tokens":10,"image_tokens":40,"cached_tokens":5},'
    b'"output_tokens":272}'
)


@pytest.mark.parametrize(
    ("body", "usage"),
    [
        (TOKENS, Usage(14, output=45, units=Units(audio_input=10))),
        (b'{"text":"Hi","usage":{"type":"duration","seconds":27}}', Usage(units=Units(milliseconds=27_000))),
        (
            b'{"text":"Hi","duration":8.47,"segments":[]}',
            Usage(85, estimated=True, units=Units(milliseconds=8470, audio_input=85)),
        ),
        (b'{"text":"Hi","duration":"8.5"}', Usage(85, estimated=True, units=Units(milliseconds=8500, audio_input=85))),
        (b'{"text":"Hi","duration":"long"}', None),
        (b'{"text":"Hi","duration":-1}', None),
        (b'{"text":""}', None),
        (b'{"text":"Hi","usage":{"input_tokens":1e12,"output_tokens":1}}', None),
    ],
)
def test_transcripts_and_what_they_used(body: bytes, usage: Usage | None) -> None:
    assert transcript_in(body) == (True, usage)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"text":null}', b"{}", b'{"text":"Hi","error":{"message":"no"}}'])
def test_what_is_no_transcript(body: bytes) -> None:
    assert transcript_in(body) == (False, None)


def test_pictures_and_what_they_used() -> None:
    assert pictures_in(WHOLE % GPT_IMAGE) == (
        True,
        Usage(50, 5, output=272, units=Units(image_input=40, image_output=272, images=2)),
    )
    assert pictures_in(WHOLE % b"null") == (True, Usage(units=Units(images=2)))
    mixed = b'{"input_tokens":5,"output_tokens":300,"output_tokens_details":{"image_tokens":272,"text_tokens":28}}'
    assert pictures_in(WHOLE % mixed)[1] == Usage(5, output=300, units=Units(image_output=272, images=2))


@pytest.mark.parametrize("body", [b"", b'{"data":[]}', b'{"data":[{"url":"x"}],"error":{"message":"no"}}'])
def test_what_is_no_picture(body: bytes) -> None:
    assert pictures_in(body) == (False, None)


def test_sound_that_was_made_is_a_part_of_the_output() -> None:
    assert Report(input_tokens=3, output_tokens=9).usage() == Usage(3, output=9, units=NO_UNITS)
    assert Report().usage() is None
