"""What all endpoints of OpenAI's have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping

from router.core.pins import NotKept
from router.core.reading import Reading
from router.core.resilience.error_cause import ErrorCause
from router.core.values import Route, Usage
from router.surfaces.base import Surface
from router.surfaces.edited import Edited
from router.surfaces.openai import models, stored_objects
from router.surfaces.openai.answers import Results, results_in
from router.surfaces.openai.blame import blame
from router.surfaces.openai.complaint import complaint_in, status_of
from router.surfaces.openai.editing import edit
from router.surfaces.openai.errors import error_event, error_object
from router.surfaces.openai.rate_limits import reset_asked
from router.surfaces.openai.relayed import relayed_error, relayed_event
from router.surfaces.openai.stream import ChunkScanner
from router.surfaces.openai.usage import text_bytes_of, usage_of
from router.surfaces.openai.vllm_running_usage import RunningUsageScanner, asks_running_usage, hides_running_usage
from router.surfaces.sse import EventScanner, data_of
from router.surfaces.told_error import NO_STATUS


class OpenAIDialect(Surface):
    """Errors and models, which are alike on all of them."""

    def __init__(
        self,
        name: str,
        path: str,
        *,
        output_limit: str = "max_tokens",
        paths: tuple[str, ...] = (),
        at_root: bool = False,
        asked_in: tuple[str, ...] = (),
        takes_forms: bool = False,
    ) -> None:
        super().__init__(
            name,
            path,
            models.PATH,
            output_limit,
            paths=paths,
            at_root=at_root,
            asked_in=asked_in,
            takes_forms=takes_forms,
        )

    def error_status(self, body: bytes) -> int:
        complaint = complaint_in(body)
        return 0 if complaint is None else status_of(complaint)

    def error_cause(self, status: int, body: bytes) -> ErrorCause:
        return blame(status, complaint_in(body))

    def reset_asked(self, headers: Mapping[str, str]) -> float | None:
        return reset_asked(headers)

    def relayed_error(self, status: int, body: bytes, request_id: str = "") -> bytes:
        return relayed_error(status, body)

    def relayed_event(self, scanner: EventScanner, event: bytes, request_id: str = "") -> bytes:
        return relayed_event(self.error_status(data_of(event) or b"") or NO_STATUS, event)

    def error(
        self, status: int, code: str, message: str, param: str | None, type: str | None, request_id: str = ""
    ) -> bytes:
        return error_object(status, code, message, param, type)

    def error_event(self, status: int, code: str, message: str, request_id: str = "") -> bytes:
        return error_event(status, code, message)

    def grows(self, id: str) -> bool:
        return stored_objects.grows(id)

    def not_kept(self, id: str) -> NotKept:
        return stored_objects.not_kept(id)

    def models(self, names: Iterable[str]) -> bytes:
        return models.listing(names)

    def model(self, name: str) -> bytes:
        return models.single(name)


class OpenAI(OpenAIDialect):
    """Those whose answers are lists of results: choices, vectors. `one_prompt` says that a body has one prompt and no
    more."""

    def __init__(
        self,
        name: str,
        path: str,
        *,
        one_prompt: bool,
        paths: tuple[str, ...] = (),
        at_root: bool = False,
        asked_in: tuple[str, ...] = (),
    ) -> None:
        super().__init__(name, path, paths=paths, at_root=at_root, asked_in=asked_in)
        self._one_prompt = one_prompt

    @abstractmethod
    def has_result(self, answer: Results) -> bool:
        """Whether an answer without an error has a result of this endpoint's kind."""

    def edit(self, body: bytes, reading: Reading, route: Route) -> Edited:
        asks = reading.stream and route.stream_usage and reading.wants_usage is not True
        running = asks_running_usage(reading, route, one_prompt=self._one_prompt)
        return edit(body, reading, model=route.upstream_model, include_usage=asks, continuous_usage=running)

    def scanner(self, reading: Reading, route: Route) -> EventScanner:
        strip_usage = reading.wants_usage is not True
        if hides_running_usage(reading, route):
            return RunningUsageScanner(strip_usage)
        return ChunkScanner(strip_usage)

    def read_answer(self, body: bytes) -> tuple[bool, Usage | None]:
        results, usage = results_in(body)
        return results is not None and self.has_result(results), usage

    def usage_of(self, body: bytes) -> Usage | None:
        return usage_of(body)

    def text_bytes_of(self, body: bytes) -> int:
        return text_bytes_of(body)
