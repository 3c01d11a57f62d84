"""Errors that the gateway makes itself; how they are written down is the business of the request's surface."""

from __future__ import annotations

from router.gateway.response_lines import JSON, header, told
from router.surfaces.base import Surface

NOT_PERMITTED = "the policy or the keys that are in force since it was asked do not permit its backends"
"""Why a request that waited is shut out."""


class ApiError(Exception):
    """`retry_after` in whole seconds; `retryable` False tells SDKs not to try again on their own, and then no time to
    come back is told, which some of them would act on all the same; `level` is what the request was classified as, if
    it came that far; `note` is written down where the message repeats the client; `allow` lists the methods that would
    do."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        param: str | None = None,
        retry_after: int | None = None,
        retryable: bool | None = None,
        level: str = "",
        type: str | None = None,
        note: str = "",
        allow: str = "",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.param = param
        self.retry_after = None if retryable is False else retry_after
        self.retryable = retryable
        self.level = level
        self.note = note or message
        self.allow = allow
        self.type = type

    def body(self, surface: Surface, request_id: str = "") -> bytes:
        return surface.error(self.status, self.code, self.message, self.param, self.type, request_id)

    def headers(self) -> bytes:
        """Complete header lines."""
        lines = JSON + told("none", "none", self.level, self.code)
        if self.retry_after is not None:
            lines += header("retry-after", str(self.retry_after))
        if self.retryable is not None:
            lines += header("x-should-retry", "true" if self.retryable else "false")
        if self.allow:
            lines += header("allow", self.allow)
        return lines
