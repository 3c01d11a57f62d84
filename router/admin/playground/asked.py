"""The body and the headers of what is tried."""

from __future__ import annotations

from typing import Any

import msgspec

from router.admin.errors import ApiError
from router.admin.request_types import Attempt
from router.core.reading import BadBody
from router.surfaces.base import Surface

MOST_BYTES = 256 * 1024
_STREAMED = {"stream": True}


def body_of(attempt: Attempt, surface: Surface) -> bytes:
    """Nothing of it is to be kept by a backend, and it names nothing that one keeps: that is another's. Raises
    ApiError."""
    asked = _asked(attempt, surface)
    if "store" in asked or attempt.endpoint == "responses":
        asked["store"] = False
    try:
        body = msgspec.json.encode(asked)
    except RecursionError:
        raise ApiError(400, "bad_body", "the body is nested too deeply") from None
    if len(body) > MOST_BYTES:
        raise ApiError(413, "request_too_large", f"the playground takes up to {MOST_BYTES // 1024} KB")
    try:
        reading = surface.read(body)
    except BadBody as bad:
        raise ApiError(400, bad.code or "bad_body", bad.message) from None
    if reading.refers_to or reading.mentions:
        raise ApiError(400, "names_what_is_kept", "the playground takes no ids of what a backend keeps for a team")
    if reading.background:
        raise ApiError(400, "background", "the playground takes nothing that goes on in the background")
    return body


def headers_of(attempt: Attempt, surface: Surface, ticket: str) -> dict[str, str]:
    headers = {**surface.expected_headers, "content-type": "application/json", "authorization": f"Bearer {ticket}"}
    if attempt.sensitivity:
        headers["x-breakeven-sensitivity"] = attempt.sensitivity
    return headers


def _asked(attempt: Attempt, surface: Surface) -> dict[str, Any]:
    if attempt.body is not None:
        return dict(attempt.body)
    if not attempt.model or not attempt.prompt:
        raise ApiError(400, "bad_body", "choose a model, and write a prompt or a whole body")
    example: dict[str, Any] = msgspec.json.decode(surface.example(attempt.model, attempt.prompt))
    return {**example, **_STREAMED, surface.output_limit: attempt.max_tokens}
