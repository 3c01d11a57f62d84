"""What a backend says of an error, in whichever shape: each dialect then words it anew.

OpenAI, vLLM, the adapter   {"error": {"message": "...", "type": "...", "param": null, "code": "..."}}
Anthropic                   {"type": "error", "error": {"type": "...", "message": "..."}, "request_id": "..."}
vLLM before 0.10            {"object": "error", "message": "...", "type": "...", "param": null, "code": 400}
an event of Responses       {"type": "error", "code": "...", "message": "...", "param": null}
FastAPI                     {"detail": "..."}, {"detail": [{"msg": "..."}]}
gateways and proxies        {"error": "..."}, {"message": "...", "code": 503}, a page, plain text
any of them                 as the data of an event, which came with the status of an error
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec
from msgspec import Struct

from router.surfaces.long_json import outline
from router.surfaces.sse import data_of

MOST_WORDS: Final = 500
"""Characters of words that are kept of what is no error object."""
MOST_OF_A_MESSAGE: Final = 20 * MOST_WORDS
"""The same of an error object's message, which stays as it is."""
NO_STATUS: Final = 502
"""Stands for the HTTP status that an error in a stream does not name."""

LONGEST: Final = 64 * 1024
"""Bytes of an error that is looked at as a whole: more is a repetition of what was asked."""
_LONGEST_READ: Final = 1024 * 1024
"""The same of one that is read for its first words."""

_MOST_EVENTS: Final = 100
"""Of a body that should have been a stream, in which its error is looked for."""

_MARKUP = re.compile(r"(?is)<(script|style)\b.*?</\1>|<[^>]{0,2000}>")
_NAMES = ("error", "detail", "message", "error_description", "msg")
_decode = msgspec.json.Decoder().decode


class ToldError(Struct, frozen=True):
    """Empty where nothing is said."""

    message: str = ""
    type: str = ""
    code: str | int | None = None
    param: str | None = None


def value_of(body: bytes) -> tuple[Any, bytes]:
    """What a body says, decoded, with the bytes of that: its own, or of the first event that is an error's. Text for
    what is no JSON."""
    try:
        return _decode(body), body
    except (ValueError, RecursionError):
        pass
    if body.startswith((b"data:", b"event:")):
        for block in re.split(rb"\r?\n\r?\n", body, maxsplit=_MOST_EVENTS):
            payload = data_of(block)
            if payload is not None and tells_error(payload):
                return value_of(payload)
        return None, body
    return body.decode(errors="replace"), body


def shortened(body: bytes) -> bytes:
    """The body of an error answer; one that is longer than anybody reads as an error object with its first words, so
    that nobody waits while it is searched."""
    if len(body) <= LONGEST:
        return body
    told = told_in(value_of(outline(body))[0]) if len(body) <= _LONGEST_READ else ToldError()
    words = told.message or f"The backend's error has {len(body):,} bytes, and is not shown."
    error = {"message": words, "type": told.type or None, "param": told.param, "code": told.code}
    return msgspec.json.encode({"error": error})


def told_in(value: Any) -> ToldError:
    """What stands in a value that was read as an error."""
    error = error_object_in(value)
    if error is None:
        return ToldError(words_of(value))
    kind, code, param = error.get("type"), error.get("code"), error.get("param")
    return ToldError(
        error["message"][:MOST_OF_A_MESSAGE],
        kind if isinstance(kind, str) and kind != "error" else "",
        code if isinstance(code, str | int) and not isinstance(code, bool) else None,
        param if isinstance(param, str) else None,
    )


def error_object_in(value: Any) -> dict[str, Any] | None:
    """The object with the message, of one of the shapes that have one; its message is no empty text."""
    if not isinstance(value, dict):
        return None
    bare = value.get("object") == "error" or value.get("type") == "error"
    for each in (value.get("error"), value if bare else None):
        if isinstance(each, dict) and isinstance(each.get("message"), str) and each["message"].strip():
            return each
    return None


def tells_error(payload: bytes) -> bool:
    """Whether the data of an event that is nothing else is an error of some kind."""
    try:
        value = _decode(payload)
    except (ValueError, RecursionError):
        return payload.strip()[:1] not in (b"", b"{", b"[")
    if isinstance(value, str):
        return bool(value.strip())
    if not isinstance(value, dict):
        return False
    if value.get("error") is not None or value.get("object") == "error" or value.get("type") == "error":
        return True
    return bool(words_of(value.get("detail"))) or (bool(words_of(value)) and _names_status(value))


def words_of(value: Any) -> str:
    """What it says, without markup, in one line."""
    if isinstance(value, dict):
        return next((found for name in _NAMES if (found := words_of(value.get(name)))), "")
    if isinstance(value, list):
        return _short("; ".join(found for each in value[:5] if (found := words_of(each))))
    return _short(value) if isinstance(value, str) else ""


def _names_status(value: dict[str, Any]) -> bool:
    return any(isinstance(value.get(name), int) and 400 <= value[name] < 600 for name in ("code", "status"))


def _short(text: str) -> str:
    """Cut first, since it may be megabytes."""
    return " ".join(_MARKUP.sub(" ", text[: 20 * MOST_WORDS]).split())[:MOST_WORDS]
