"""What an error object says, in the dialects that are met.

OpenAI, the adapter   {"error": {"message": "...", "type": "...", "param": null, "code": "..."}}
vLLM                  the same with a number as code, or, before 0.10, all of it without the outer object
Azure                 the same, with {"innererror": {"code": "ResponsibleAIPolicyViolation"}} inside
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from router.surfaces.told_error import NO_STATUS

_decode = msgspec.json.Decoder().decode


class Complaint(Struct, frozen=True):
    """Words are in lower case, for comparison; the message is for nobody's eyes but the client's."""

    words: tuple[str, ...] = ()
    """Its code, its type, and the code inside."""
    message: str = ""
    status: int = 0
    """The HTTP status that it names as its code; 0 when it names none."""


def complaint_in(body: bytes) -> Complaint | None:
    """The complaint that a body or the payload of an event is; None when it is none."""
    try:
        value = _decode(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    error = value.get("error")
    if error is None and value.get("object") == "error":
        error = value
    if isinstance(error, str):
        return Complaint(message=error.lower())
    return read_complaint(error) if isinstance(error, dict) else None


def status_of(complaint: Complaint) -> int:
    """The HTTP status that a complaint would have come with, had it not come with status 200."""
    return complaint.status or next((STATUSES[word] for word in complaint.words if word in STATUSES), NO_STATUS)


STATUSES = {
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
    "overloaded_error": 529,
    "authentication_error": 401,
    "invalid_api_key": 401,
    "permission_error": 403,
    "not_found_error": 404,
    "model_not_found": 404,
    "content_filter": 400,
    "content_policy_violation": 400,
    "server_is_overloaded": 503,
    "slow_down": 503,
    "context_length_exceeded": 400,
    "invalid_prompt": 400,
}


def read_complaint(error: dict[str, Any]) -> Complaint:
    """What stands within the outer object."""
    inner = error.get("innererror")
    said = [error.get("code"), error.get("type"), inner.get("code") if isinstance(inner, dict) else None]
    message = error.get("message")
    return Complaint(
        tuple([each.lower() for each in said if isinstance(each, str)]),
        message.lower() if isinstance(message, str) else "",
        next((number for each in said if (number := _status(each))), 0),
    )


def _status(code: Any) -> int:
    if isinstance(code, str) and code.isascii() and code.isdigit() and len(code) == 3:
        code = int(code)
    return code if isinstance(code, int) and 400 <= code < 600 else 0
