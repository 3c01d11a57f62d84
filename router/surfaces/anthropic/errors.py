"""Errors in the shape that Anthropic's SDKs act on: ours, and a backend's as clients may see it."""

from __future__ import annotations

from typing import Any

import msgspec

from router.surfaces.openai.complaint import STATUSES, Complaint
from router.surfaces.openai.relayed import nothing_said
from router.surfaces.sse import data_of, is_called_error
from router.surfaces.told_error import NO_STATUS, error_object_in, told_in, value_of

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
_ITS_OWN = frozenset(_TYPES.values()) | {"invalid_request_error", "api_error"}


def error_object(status: int, message: str, type: str | None = None, request_id: str = "") -> bytes:
    """`type` is that of the status when it is None."""
    fallback = "api_error" if status >= 500 else "invalid_request_error"
    said = {"type": type or _TYPES.get(status, fallback), "message": message}
    return msgspec.json.encode({"type": "error", "error": said, "request_id": request_id or None})


def error_event(status: int, message: str, request_id: str = "") -> bytes:
    """What ends a failed stream. No `message_stop` follows it."""
    return _named(error_object(status, message, None, request_id))


def relayed_error(status: int, body: bytes, request_id: str = "") -> bytes:
    """The body of an error answer for the client: as it came if it is an error object, or else one made of its words.
    Where it names no request, ours is named. Our credentials have been taken out of it."""
    value, body = value_of(body)
    if _is_error_object(value):
        named = value.get("request_id") or not request_id
        return body if named else msgspec.json.encode({**value, "request_id": request_id})
    told = told_in(value)
    type = told.type if told.type in _ITS_OWN else None
    return error_object(status, told.message or nothing_said(status), type, request_id)


def relayed_event(status: int, event: bytes, request_id: str = "") -> bytes:
    """The same of an error in a stream, which need name no request. SDKs know it by its name."""
    payload = data_of(event) or b""
    value, _ = value_of(payload)
    if _is_error_object(value) and value.get("request_id", request_id):
        return event if is_called_error(event) else _named(payload)
    return _named(relayed_error(status, payload, request_id))


def _named(error: bytes) -> bytes:
    return b"event: error\ndata: " + error + b"\n\n"


def status_of(complaint: Complaint) -> int:
    """The HTTP status that a complaint would have come with, had it not come with status 200."""
    return complaint.status or next((_STATUSES[word] for word in complaint.words if word in _STATUSES), NO_STATUS)


def _is_error_object(value: Any) -> bool:
    error = error_object_in(value)
    if error is None or value.get("type") != "error":
        return False
    return error is value.get("error") and isinstance(error.get("type"), str)
