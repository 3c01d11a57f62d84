"""A backend's error as clients may see it: in the shape that their SDKs read.

An error object with a message stays as it came, since clients act on its words and codes. Anything else (another
dialect's error, a page, plain text, another framework's object, nothing) becomes such an object, with the words that it
had.
"""

from __future__ import annotations

from typing import Any

import msgspec

from router.surfaces.sse import data_of
from router.surfaces.told_error import error_object_in, told_in, value_of

_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


def relayed_error(status: int, body: bytes) -> bytes:
    """The body of an error answer for the client: as it came if it is an error object, or else one made of its words.
    Our credentials have been taken out of it."""
    value, body = value_of(body)
    if _is_own(value):
        return body
    told = told_in(value)
    words = told.message or nothing_said(status)
    type = told.type or _TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    return msgspec.json.encode({"error": {"message": words, "type": type, "param": told.param, "code": told.code}})


def relayed_event(status: int, event: bytes) -> bytes:
    """The same of an error in a stream."""
    payload = data_of(event) or b""
    shown = relayed_error(status, payload)
    return event if shown is payload else b"data: " + shown + b"\n\n"


def nothing_said(status: int) -> str:
    return f"The backend answered with HTTP status {status} and said nothing more."


def _is_own(value: Any) -> bool:
    """Whether it is an error object of this dialect."""
    error = error_object_in(value)
    return error is not None and error is value.get("error") and value.get("type") != "error"
