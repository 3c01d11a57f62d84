"""Errors that the gateway makes itself, in the shape that OpenAI's SDKs act on."""

from __future__ import annotations

import msgspec

_TYPES = {
    400: "invalid_request_error",
    401: "invalid_request_error",
    403: "permission_error",
    404: "invalid_request_error",
    429: "rate_limit_error",
}


def error_object(status: int, code: str, message: str, param: str | None = None, type: str | None = None) -> bytes:
    """`type` is that of the status when it is None."""
    fallback = "server_error" if status >= 500 else "invalid_request_error"
    type = type or _TYPES.get(status, fallback)
    return msgspec.json.encode({"error": {"message": message, "type": type, "param": param, "code": code}})


def error_event(status: int, code: str, message: str) -> bytes:
    """What ends a failed stream. No `[DONE]` follows it."""
    return b"data: " + error_object(status, code, message) + b"\n\n"
