"""What all endpoints of Anthropic's have in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from router.core.reading import Reading
from router.core.resilience.error_cause import ErrorCause
from router.core.values import Route
from router.surfaces.anthropic import models
from router.surfaces.anthropic.errors import error_event, error_object, relayed_error, relayed_event, status_of
from router.surfaces.anthropic.rate_limits import reset_asked
from router.surfaces.anthropic.stream import MessageScanner
from router.surfaces.base import Surface
from router.surfaces.edited import Edited
from router.surfaces.openai.blame import blame
from router.surfaces.openai.complaint import complaint_in
from router.surfaces.openai.editing import edit
from router.surfaces.sse import EventScanner, data_of
from router.surfaces.told_error import NO_STATUS

VERSION = "anthropic-version"


class Anthropic(Surface):
    expected_headers = {VERSION: "2023-06-01"}
    end_user = ("metadata.user_id",)
    id_header = "request-id"

    def __init__(self, name: str, path: str) -> None:
        super().__init__(name, path, models.PATH, "max_tokens")

    def edit(self, body: bytes, reading: Reading, route: Route) -> Edited:
        return edit(body, reading, model=route.upstream_model, include_usage=False)

    def scanner(self, reading: Reading, route: Route) -> EventScanner:
        return MessageScanner()

    def error_status(self, body: bytes) -> int:
        complaint = complaint_in(body)
        return 0 if complaint is None else status_of(complaint)

    def error_cause(self, status: int, body: bytes) -> ErrorCause:
        return blame(status, complaint_in(body))

    def reset_asked(self, headers: Mapping[str, str]) -> float | None:
        return reset_asked(headers)

    def relayed_error(self, status: int, body: bytes, request_id: str = "") -> bytes:
        return relayed_error(status, body, request_id)

    def relayed_event(self, scanner: EventScanner, event: bytes, request_id: str = "") -> bytes:
        return relayed_event(self.error_status(data_of(event) or b"") or NO_STATUS, event, request_id)

    def error(
        self, status: int, code: str, message: str, param: str | None, type: str | None, request_id: str = ""
    ) -> bytes:
        return error_object(status, message, type, request_id)

    def error_event(self, status: int, code: str, message: str, request_id: str = "") -> bytes:
        return error_event(status, message, request_id)

    def models(self, names: Iterable[str]) -> bytes:
        return models.listing(names)

    def model(self, name: str) -> bytes:
        return models.single(name)
