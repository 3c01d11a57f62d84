"""The endpoint."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from router.core.reading import Reading
from router.core.resilience.error_cause import ErrorCause
from router.core.values import Route, Usage
from router.surfaces.edited import Edited
from router.surfaces.openai.dialect import OpenAIDialect
from router.surfaces.openai.editing import edit
from router.surfaces.openai.responses import answers
from router.surfaces.openai.responses.failures import (
    cause_of,
    failed_event,
    failure_code,
    failure_status,
    failure_words,
    is_failure,
    relayed_failure,
)
from router.surfaces.openai.responses.read_request import read
from router.surfaces.openai.responses.stream import ResponseScanner
from router.surfaces.openai.stored_objects import id_in
from router.surfaces.sse import EventScanner, data_of


class Responses(OpenAIDialect):
    operation: ClassVar[str] = "chat"

    def __init__(self, name: str = "responses", path: str = "/responses") -> None:
        super().__init__(name, path, output_limit="max_output_tokens")

    def read(self, body: bytes) -> Reading:
        return read(body)

    def edit(self, body: bytes, reading: Reading, route: Route) -> Edited:
        return edit(body, reading, model=route.upstream_model, include_usage=False)

    def example(self, model: str, prompt: str) -> bytes:
        return msgspec.json.encode({"model": model, "input": prompt})

    def scanner(self, reading: Reading, route: Route) -> EventScanner:
        return ResponseScanner(background=reading.background)

    def read_answer(self, body: bytes) -> tuple[bool, Usage | None]:
        response = answers.response_in(body)
        if response is None:
            return False, None
        return answers.is_answer(response), answers.usage_of(response)

    def usage_of(self, body: bytes) -> Usage | None:
        response = answers.response_in(body)
        return None if response is None else answers.usage_of(response)

    def text_bytes_of(self, body: bytes) -> int:
        return answers.text_bytes_of(body)

    def stored_id(self, body: bytes) -> str:
        return id_in(body)

    def stored_parts(self, body: bytes) -> tuple[str, ...]:
        response = answers.response_in(body)
        return () if response is None else answers.items_in(response)

    def error_status(self, body: bytes) -> int:
        return failure_status(body)

    def error_cause(self, status: int, body: bytes) -> ErrorCause:
        return cause_of(status, body)

    def relayed_error(self, status: int, body: bytes, request_id: str = "") -> bytes:
        return relayed_failure(status, body)

    def relayed_event(self, scanner: EventScanner, event: bytes, request_id: str = "") -> bytes:
        payload = data_of(event) or b""
        if is_failure(payload) or not isinstance(scanner, ResponseScanner):
            return event
        return scanner.broken(failure_code(payload), failure_words(payload))

    def error_event(self, status: int, code: str, message: str, request_id: str = "") -> bytes:
        return failed_event({"id": "", "object": "response", "output": []}, 0, "server_error", _told(code, message))

    def broken_stream(
        self, scanner: EventScanner | None, status: int, code: str, message: str, request_id: str = ""
    ) -> bytes:
        if isinstance(scanner, ResponseScanner):
            return scanner.broken("server_error", _told(code, message))
        return self.error_event(status, code, message)


def _told(code: str, message: str) -> str:
    """No other code than `server_error` would be known to all clients, so that ours stands in the message."""
    return f"{message} ({code})"
