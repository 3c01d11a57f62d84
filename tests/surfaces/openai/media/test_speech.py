from __future__ import annotations

from router.core.units import Units
from router.surfaces.openai.media.speech import Speech
from tests.core.conftest import Make

SPEECH = Speech()
BODY = b'{"model":"tts-1","input":"Good day","voice":"alloy"%b}'


def test_a_text_is_spoken_in_bytes(make: Make) -> None:
    reading = SPEECH.read(BODY % b',"instructions":"Softly"')
    assert (reading.stream, reading.binary, reading.content_type) == (False, True, "application/json")
    assert reading.units == reading.likely == Units(characters=8)
    assert reading.input_tokens == (8 + 6 + 2) // 3
    scanner = SPEECH.byte_scanner(reading, b"audio/pcm")
    scanner.feed(bytes(48_000))
    assert scanner.usage is not None and (scanner.usage.output, scanner.usage.units.characters) == (21, 8)
    assert scanner.usage.output <= (reading.max_output_tokens or 0)


def test_or_in_events(make: Make) -> None:
    reading = SPEECH.read(BODY % b',"stream_format":"sse"')
    assert (reading.stream, reading.binary, reading.content_type) == (True, False, "")
    scanner = SPEECH.scanner(reading, make.route())
    scanner.feed(b'data: {"type":"speech.audio.delta","audio":"AAAA"}\n\n')
    assert scanner.first_complete


def test_what_is_said_may_be_anything() -> None:
    assert SPEECH.read(BODY.replace(b'"Good day"', b"5") % b"").units == Units()


def test_json_is_no_sound() -> None:
    assert SPEECH.read_answer(b"{}") == (False, None)
    assert (SPEECH.usage_of(b"{}"), SPEECH.text_bytes_of(b"{}")) == (None, 0)


def test_a_voice_that_somebody_made_is_named_by_its_id() -> None:
    voices = (b'{"id":"voice_1"}', b'{"id":7}', b'{"id":""}', b'"alloy"', b'"voice_2"')
    read = [SPEECH.read(BODY.replace(b'"alloy"', voice) % b"").refers_to for voice in voices]
    assert read == [("voice_1",), (), (), (), ("voice_2",)]
