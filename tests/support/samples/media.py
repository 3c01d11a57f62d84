"""Sound and pictures: forms with files, answers in bytes."""

from __future__ import annotations

import json
from typing import Any

from support.samples.sample import SAID, TEXT, Fields, File, Sample, sse

_FAILURE = sse({"error": {"message": "It broke off.", "type": "server_error", "param": None, "code": None}})


def _heard(input: int, output: int) -> dict[str, Any]:
    return {"type": "tokens", "input_tokens": input, "output_tokens": output, "total_tokens": input + output}


def _transcript(input: int, output: int) -> bytes:
    return json.dumps({"text": SAID, "usage": _heard(input, output)}).encode()


def _transcript_events(input: int, output: int) -> tuple[bytes, ...]:
    done = {"type": "transcript.text.done", "text": SAID, "usage": _heard(input, output)}
    return sse({"type": "transcript.text.delta", "delta": SAID}), sse(done)


_RECORDING: dict[str, Fields] = {
    "prompt": {"file": File("a.mp3"), "prompt": TEXT},
    "file name": {"file": File(TEXT)},
    "unknown member": {"file": File("a.mp3"), "x_note": TEXT},
}


def _hears(surface: str) -> Sample:
    return Sample(
        surface=surface,
        places=_RECORDING,
        sealed=True,
        answer=_transcript,
        beside=frozenset({"file name", "unknown member"}),
        limit=lambda tokens: {"max_completion_tokens": tokens},
        streamed={"stream": "true"},
        events=_transcript_events,
        end=b"transcript.text.done",
        failure=_FAILURE,
        form=True,
    )


TRANSCRIPTIONS, TRANSLATIONS = _hears("transcriptions"), _hears("translations")


def _speech_events(input: int, output: int) -> tuple[bytes, ...]:
    return sse({"type": "speech.audio.delta", "audio": SAID}), sse(
        {"type": "speech.audio.done", "usage": _heard(input, output)}
    )


SPEECH = Sample(
    surface="speech",
    places={
        "input": {"input": TEXT, "voice": "alloy"},
        "instructions": {"input": "Hi", "voice": "alloy", "instructions": TEXT},
        "unknown member": {"input": "Hi", "voice": "alloy", "x_note": TEXT},
    },
    unreadable={"token ids": {"input": [1, 2, 3], "voice": "alloy"}},
    answer=lambda input, output: SAID.encode() * output,
    media_type="audio/mpeg",
    reports=False,
    streamed={"stream_format": "sse"},
    events=_speech_events,
    end=b"speech.audio.done",
    failure=_FAILURE,
)


def _pictures(input: int, output: int) -> bytes:
    return json.dumps({"created": 1, "data": [{"b64_json": SAID}], "usage": _heard(input, output)}).encode()


def _picture_events(kind: str, input: int, output: int) -> tuple[bytes, ...]:
    done = {"type": f"{kind}.completed", "b64_json": SAID, "usage": _heard(input, output)}
    return sse({"type": f"{kind}.partial_image", "b64_json": SAID}), sse(done)


IMAGES = Sample(
    surface="images",
    places={"prompt": {"prompt": TEXT}, "unknown member": {"prompt": "Hi", "x_note": TEXT}},
    unreadable={"token ids": {"prompt": [1, 2, 3]}},
    answer=_pictures,
    events=lambda input, output: _picture_events("image_generation", input, output),
    end=b"image_generation.completed",
    failure=_FAILURE,
)


def _draws(surface: str) -> Sample:
    return Sample(
        surface=surface,
        places={
            "prompt": {"image": File("a.png"), "prompt": TEXT},
            "file name": {"image": File(TEXT)},
            "unknown member": {"image": File("a.png"), "x_note": TEXT},
        },
        sealed=True,
        answer=_pictures,
        beside=frozenset({"file name", "unknown member"}),
        streamed={"stream": "true"},
        events=lambda input, output: _picture_events("image_edit", input, output),
        end=b"image_edit.completed",
        failure=_FAILURE,
        form=True,
    )


IMAGE_EDITS, IMAGE_VARIATIONS = _draws("image_edits"), _draws("image_variations")
