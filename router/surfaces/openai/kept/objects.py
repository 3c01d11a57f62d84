"""All of it, as the gateway asks for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from router.core.estimated_usage import BYTES_PER_TOKEN, not_below
from router.core.pins import NotKept
from router.core.reading import Reading
from router.core.values import Route, Usage
from router.surfaces.base import Surface
from router.surfaces.openai import stored_objects
from router.surfaces.openai.dialect import OpenAIDialect
from router.surfaces.openai.kept import bodies, listing, table
from router.surfaces.openai.kept.events import RunScanner
from router.surfaces.openai.responses import answers
from router.surfaces.openai.responses.stream import ResponseScanner
from router.surfaces.openai.responses.surface import Responses
from router.surfaces.resources import Asked, KeptObjects
from router.surfaces.sse import EventScanner

_FILES_IN_A_LIST = 10_000
_IN_A_LIST = 20


class Objects(OpenAIDialect):
    """What reads the bodies, and words the errors. Answers pass unread: `KeptObjects` knows what of them matters."""

    def __init__(self) -> None:
        super().__init__("kept objects", "")

    def read(self, body: bytes) -> Reading:
        return bodies.read(body)

    def edit(self, body: bytes, reading: Reading, route: Route) -> bytes:
        return body

    def example(self, model: str, prompt: str) -> bytes:
        return b"{}"

    def scanner(self, reading: Reading, route: Route) -> EventScanner:
        return EventScanner()

    def read_answer(self, body: bytes) -> tuple[bool, Usage | None]:
        return True, None

    def usage_of(self, body: bytes) -> Usage | None:
        return None

    def text_bytes_of(self, body: bytes) -> int:
        return 0

    def not_found(self, id: str) -> NotKept:
        return stored_objects.not_found(id)


class OpenAIKept(KeptObjects):
    def find(self, method: str, path: str) -> Asked | None:
        return table.find(method, path)

    def methods_at(self, path: str) -> tuple[str, ...]:
        return table.methods_at(path)

    def id_in(self, shown: bytes) -> str:
        return stored_objects.id_in(shown)

    def named_in(self, shown: bytes) -> Iterable[str]:
        return bodies.named_in(shown)

    def within(self, shown: bytes) -> Iterable[str]:
        return bodies.within(shown)

    def used_in(self, asked: Asked, shown: bytes, answer: bytes) -> Usage | None:
        if asked.operation.resource != "responses" or "input_items" in asked.operation.pattern:
            return None
        response = answers.response_in(shown)
        if response is None or response.status not in _ENDED or stored_objects.id_in(shown) != asked.ids[0]:
            return None
        usage = answers.usage_of(response)
        return usage and not_below(usage, answers.text_bytes_of(answer) // BYTES_PER_TOKEN)

    def scanner(self, asked: Asked) -> EventScanner:
        return ResponseScanner() if asked.operation.resource == "responses" else RunScanner()

    def speaker(self, asked: Asked) -> Surface:
        return _RESPONSES if asked.operation.resource == "responses" else self.surface

    def page_in(self, body: bytes) -> tuple[list[tuple[str, bytes]], bool] | None:
        return listing.page_in(body)

    def page_of(self, last: bytes, items: Sequence[tuple[str, bytes]], *, more: bool) -> bytes:
        return listing.page_of(last, items, more=more)

    def default_limit(self, asked: Asked) -> int:
        return _FILES_IN_A_LIST if asked.operation.resource == "files" else _IN_A_LIST


_ENDED = ("completed", "incomplete", "failed", "cancelled")
_RESPONSES = Responses()
KEPT = OpenAIKept(Objects(), table.OPERATIONS)
