"""What went wrong, where a response says so.

A response that failed has status 200 all the same: {"object": "response", "status": "failed", "error": {"code": ...,
"message": ...}}. In a stream it comes within the event `response.failed`, or alone as {"type": "error", "code": ...,
"message": ...}. Some codes speak of what the client asked: then it is its answer, and no failure of the backend's.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from router.core.resilience.error_cause import ErrorCause
from router.surfaces.openai.blame import blame
from router.surfaces.openai.complaint import Complaint, complaint_in, read_complaint, status_of
from router.surfaces.openai.errors import error_object
from router.surfaces.openai.relayed import relayed_error
from router.surfaces.told_error import told_in, value_of

_CLIENTS = frozenset({"invalid_prompt", "context_length_exceeded", "failed_to_download_image", "unsupported_image"})
_OF_IMAGES = re.compile(r"(invalid|empty|unsupported)_(base64_)?image(_[a-z]+)*|image_[a-z_]+")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_decode = msgspec.json.Decoder().decode


def is_clients(code: Any) -> bool:
    """Whether a code speaks of what the client asked, or of what was made of it."""
    if not isinstance(code, str):
        return False
    return code in _CLIENTS or code.endswith(("_policy", "_policy_violation")) or _OF_IMAGES.fullmatch(code) is not None


def failure_in(body: bytes) -> Complaint | None:
    """The complaint in a body or in an event's data; None when it has none."""
    error = _error_in(_object(body))
    return read_complaint(error) if error is not None else complaint_in(body)


def failure_status(body: bytes) -> int:
    """The HTTP status that it should have come with; 0 when nothing failed."""
    complaint = failure_in(body)
    return 0 if complaint is None else status_of(complaint)


def cause_of(status: int, body: bytes) -> ErrorCause:
    """A missing response, file or conversation is called by its id, in which any word may stand."""
    complaint = failure_in(body)
    if complaint is not None and status == 404:
        complaint = Complaint(complaint.words, _QUOTED.sub("", complaint.message), complaint.status)
    return blame(status, complaint)


def relayed_failure(status: int, body: bytes) -> bytes:
    """As `relayed_error`; of a response or an event that says what failed, that alone."""
    value = _object(body)
    error = _error_in(value)
    if error is None or (value is not None and "error" in value and value.get("object") != "response"):
        return relayed_error(status, body)
    message, code = error.get("message"), error.get("code")
    words = message if isinstance(message, str) and message else "The response failed, and nothing says why."
    return error_object(status, code if isinstance(code, str) else "server_error", words)


def is_failure(payload: bytes) -> bool:
    """Whether the data of an event says what failed as this dialect does."""
    value = _object(payload)
    if value is None:
        return False
    alone = value.get("type") == "error" and value.get("error") is None
    return isinstance(value.get("response"), dict) or (alone and isinstance(value.get("message"), str))


def failure_code(payload: bytes) -> str:
    """What a failure of another dialect is called here, where few codes are known."""
    complaint = complaint_in(payload)
    return "rate_limit_exceeded" if complaint is not None and status_of(complaint) == 429 else "server_error"


def failure_words(payload: bytes) -> str:
    return told_in(value_of(payload)[0]).message or "The response failed, and nothing says why."


def failed_event(response: dict[str, Any], sequence: int, code: str, message: str) -> bytes:
    """What ends a stream that broke off: its response as it was known, now failed."""
    error = {"code": code, "message": message}
    failed = {**response, "status": "failed", "error": error, "usage": None}
    data = {"type": "response.failed", "sequence_number": sequence, "response": failed}
    return b"event: response.failed\ndata: %b\n\n" % msgspec.json.encode(data)


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        value = _decode(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _error_in(value: dict[str, Any] | None) -> dict[str, Any] | None:
    if value is None:
        return None
    if value.get("type") == "error" and not isinstance(value.get("error"), dict):
        return value
    response = value.get("response")
    found = response.get("error") if isinstance(response, dict) else value.get("error")
    if isinstance(found, dict):
        return found
    failed = response if isinstance(response, dict) else value
    return {} if failed.get("status") == "failed" else None
