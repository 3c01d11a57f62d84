from __future__ import annotations

import io
import wave

from router.surfaces.openai.media.seconds import Length, length_of, tokens_of


def wav(milliseconds: int, rate: int = 16_000) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(rate)
        writer.writeframes(b"\0\0" * (rate * milliseconds // 1000))
    return file.getvalue()


def test_what_is_not_compressed_says_how_long_it_is() -> None:
    length = length_of(wav(2500))
    assert 2500 <= length.likely == length.most <= 2502


def test_of_all_else_there_is_a_guess_and_a_bound() -> None:
    assert length_of(b"\xff\xfb" + bytes(7998)) == Length(1000, 10667)
    assert length_of(b"") == Length(0, 0)
    assert length_of(b"RIFF" + bytes(60)).likely < length_of(b"RIFF" + bytes(60)).most
    silent = bytearray(wav(1000))
    silent[24:28] = bytes(4)  # no samples in a second
    assert length_of(bytes(silent)).likely < length_of(bytes(silent)).most


def test_a_header_that_nobody_writes_makes_no_recording_short() -> None:
    fast = bytearray(wav(1000))
    fast[24:28] = (4_000_000_000).to_bytes(4, "little")
    assert length_of(bytes(fast)).most > 1000


def test_a_second_is_ten_tokens() -> None:
    assert (tokens_of(0), tokens_of(1), tokens_of(1000), tokens_of(90_000)) == (0, 1, 10, 900)
