"""Sound, pictures and moderations of the pretended provider, shaped as OpenAI documents them."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from clients.answers import ANSWER, pieces
from clients.openai_dialect import CREATED, event

Json = dict[str, Any]

SPEECH = (b"ID3\x04pretended", b" sound,", b" in parts")
PICTURE = b"\x89PNG\r\n\x1a\npretended"
_CATEGORIES = ("harassment", "hate", "illicit", "self-harm", "sexual", "violence")


def moderation(model: str, texts: int) -> Json:
    result = {
        "flagged": False,
        "categories": dict.fromkeys(_CATEGORIES, False),
        "category_scores": dict.fromkeys(_CATEGORIES, 0.01),
        "category_applied_input_types": {name: ["text"] for name in _CATEGORIES},
    }
    return {"id": "modr-1", "model": model, "results": [result] * texts}


def transcription_usage(tokens_in: int, tokens_out: int) -> Json:
    return {
        "type": "tokens",
        "total_tokens": tokens_in + tokens_out,
        "input_tokens": tokens_in,
        "input_token_details": {"text_tokens": 0, "audio_tokens": tokens_in},
        "output_tokens": tokens_out,
    }


def transcription(usage: Json) -> Json:
    return {"text": ANSWER, "usage": usage}


def transcription_events(usage: Json) -> Iterator[bytes]:
    for piece in pieces(ANSWER):
        yield event({"type": "transcript.text.delta", "delta": piece})
    yield event({"type": "transcript.text.done", "text": ANSWER, "usage": usage})


def speech_usage(tokens_in: int, tokens_out: int) -> Json:
    return {"input_tokens": tokens_in, "output_tokens": tokens_out, "total_tokens": tokens_in + tokens_out}


def speech_events(usage: Json) -> Iterator[bytes]:
    for part in SPEECH:
        yield event({"type": "speech.audio.delta", "audio": base64.b64encode(part).decode()})
    yield event({"type": "speech.audio.done", "usage": usage})


def image_usage(tokens_in: int, tokens_out: int) -> Json:
    return {
        "total_tokens": tokens_in + tokens_out,
        "input_tokens": tokens_in,
        "output_tokens": tokens_out,
        "input_tokens_details": {"text_tokens": tokens_in, "image_tokens": 0},
    }


def images(usage: Json) -> Json:
    return {"created": CREATED, "data": [{"b64_json": base64.b64encode(PICTURE).decode()}], "usage": usage}


def image_events(kind: str, usage: Json) -> Iterator[bytes]:
    picture = {
        "b64_json": base64.b64encode(PICTURE).decode(),
        "background": "opaque",
        "created_at": CREATED,
        "output_format": "png",
        "quality": "low",
        "size": "1024x1024",
    }
    for name, fields in (("partial_image", {"partial_image_index": 0}), ("completed", {"usage": usage})):
        told = f"{kind}.{name}"
        yield event({"type": told, **picture, **fields}, told)
