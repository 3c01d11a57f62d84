"""Errors in the shape that Anthropic's SDKs act on: ours, and a backend's as clients may see it."""

from __future__ import annotations

from typing import Any

import msgspec

from router.surfaces.openai.complaint import STATUSES, Complaint
from router.surfaces.openai.relayed import words_of

_TYPES = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_STATUSES = {
    **STATUSES,
    "invalid_request_error": 400,
    "badrequesterror": 400,
    "billing_error": 402,
    "notfounderror": 404,
    "request_too_large": 413,
    "api_error": 500,
    "internal_error": 500,
    "timeout_error": 504,
}
"""By type of error, as Anthropic and vLLM call them: for those that came with status 200."""
_decode = msgspec.json.Decoder().decode


def error_object(status: int, message: str, type: str | None = None, request_id: str = "") -> bytes:
    """`type` is that of the status when it is None."""
    fallback = "api_error" if status >= 500 else "invalid_request_error"
    said = {"type": type or _TYPES.get(status, fallback), "message": message}
    return msgspec.json.encode({"type": "error", "error": said, "request_id": request_id or None})


def error_event(status: int, message: str) -> bytes:
    """What ends a failed stream. No `message_stop` follows it."""
    return b"event: error\ndata: " + error_object(status, message) + b"\n\n"


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
    return error_object(status, words)


def status_of(complaint: Complaint) -> int:
    """The HTTP status that a complaint would have come with, had it not come with status 200."""
    return complaint.status or next((_STATUSES[word] for word in complaint.words if word in _STATUSES), 502)


def _is_error_object(value: Any) -> bool:
    if not isinstance(value, dict) or value.get("type") != "error":
        return False
    error = value.get("error")
    if not isinstance(error, dict) or not isinstance(error.get("type"), str):
        return False
    return isinstance(error.get("message"), str) and error["message"].strip() != ""
