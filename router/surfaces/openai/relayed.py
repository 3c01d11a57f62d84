"""A backend's error as clients may see it: in the shape that their SDKs read.

An error object with a message stays as it came, since clients act on its words and codes. Anything else (a page, plain
text, another framework's object, nothing) becomes such an object, with the words that it had.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

MOST_WORDS = 500
"""Characters of a backend's words that are kept where the object is ours."""

_MARKUP = re.compile(r"(?is)<(script|style)\b.*?</\1>|<[^>]{0,2000}>")
_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
_decode = msgspec.json.Decoder().decode


def relayed_error(status: int, body: bytes) -> bytes:
    """The body of an error answer for the client: as it came if it is an error object, or else one made of its words.
    Our credentials have been taken out of it."""
    try:
        value = _decode(body)
    except (ValueError, RecursionError):
        value = body.decode(errors="replace")
    if _is_error_object(value):
        return body
    words = words_of(value) or f"The backend answered with HTTP status {status} and said nothing more."
    type = _TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    return msgspec.json.encode({"error": {"message": words, "type": type, "param": None, "code": None}})


def _is_error_object(value: Any) -> bool:
    """OpenAI's, with the outer object or, as vLLM once wrote it, without."""
    if not isinstance(value, dict):
        return False
    error = value if value.get("object") == "error" else value.get("error")
    return isinstance(error, dict) and isinstance(error.get("message"), str) and error["message"].strip() != ""


def words_of(value: Any) -> str:
    """What it says, without markup, in one line."""
    if isinstance(value, dict):
        for name in ("error", "detail", "message", "error_description", "msg"):
            found = words_of(value.get(name))
            if found:
                return found
        return ""
    if isinstance(value, list):
        return _short("; ".join(found for each in value[:5] if (found := words_of(each))))
    return _short(value) if isinstance(value, str) else ""


def _short(text: str) -> str:
    """Cut first, since it may be megabytes."""
    return " ".join(_MARKUP.sub(" ", text[: 20 * MOST_WORDS]).split())[:MOST_WORDS]
