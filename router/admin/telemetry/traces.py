"""Spans of requests, sent to an OpenTelemetry collector.

They are made of the request records, after the fact and in the control plane's process: the gateway's workers neither
know nor pay for it. The libraries are an extra, imported only when a collector is named.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping
from threading import Thread
from typing import TYPE_CHECKING, Any, Protocol

from router.admin.telemetry.spans import Drafts, SpanDraft, drafts
from router.core.values import Plan
from router.ledger.record import Record

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
NOT_INSTALLED = (
    "OTEL_EXPORTER_OTLP_ENDPOINT is set, but no traces are sent: the libraries are not installed. "
    "Run `scripts/environment.sh otel`, or pip install 'breakeven[otel]'."
)
NOT_GRPC = "Traces are sent as OTLP over HTTP, not gRPC: name the collector's HTTP port, which is 4318 by default."
CLOSE_SECONDS = 2.0
"""What a collector has at the end to take the last spans."""

log = logging.getLogger("breakeven.traces")


class Traces(Protocol):
    on: bool
    """Whether it is worth following the records for it."""

    def hear(self, record: Record) -> None: ...

    def close(self) -> None: ...


class NoTraces:
    on = False

    def hear(self, record: Record) -> None:
        pass

    def close(self) -> None:
        pass


def traces_from(environment: Mapping[str, str], plan: Callable[[], Plan], version: str) -> Traces:
    """By OpenTelemetry's own variables; `plan` gives the one in force."""
    if not wanted(environment):
        return NoTraces()
    if environment.get("OTEL_EXPORTER_OTLP_PROTOCOL", "").startswith("grpc"):
        log.warning(NOT_GRPC)
    try:
        return OtlpTraces(plan, version)
    except ImportError:
        log.warning(NOT_INSTALLED)
        return NoTraces()


def wanted(environment: Mapping[str, str]) -> bool:
    """Whether a collector is named, and nothing says that it is to get no traces."""
    off = environment.get("OTEL_SDK_DISABLED", "").lower() == "true"
    none = environment.get("OTEL_TRACES_EXPORTER", "").lower() == "none"
    return any(environment.get(name) for name in ENDPOINTS) and not off and not none


class OtlpTraces:
    """Raises ImportError when the extra is not installed."""

    on = True

    def __init__(self, plan: Callable[[], Plan], version: str) -> None:
        from opentelemetry import trace
        from opentelemetry.trace import SpanKind, Status, StatusCode

        self._plan = plan
        self._ids = _ids()
        self._provider = _provider(self._ids, version)
        self._tracer = self._provider.get_tracer("breakeven", version)
        self._inside = trace.set_span_in_context
        self._kinds = SpanKind
        self._failed: Callable[[str], Status] = lambda why: Status(StatusCode.ERROR, why)

    def hear(self, record: Record) -> None:
        found = drafts(record, self._plan())
        if found is not None:
            self._send(found)

    def _send(self, found: Drafts) -> None:
        self._ids.seed(found.seed)
        outer = self._start(found.request, self._kinds.SERVER)
        if found.call is not None:
            inner = self._start(found.call, self._kinds.CLIENT, self._inside(outer))
            inner.end(end_time=found.call.end)
        outer.end(end_time=found.request.end)

    def _start(self, draft: SpanDraft, kind: Any, context: Any = None) -> Any:
        attributes: Any = draft.attributes
        span = self._tracer.start_span(
            draft.name, context, kind=kind, attributes=attributes, start_time=draft.start, record_exception=False
        )
        if draft.error is not None:
            span.set_status(self._failed(draft.error))
        return span

    def close(self) -> None:
        """Send what is left, but do not wait for long. Blocks, so it is called when nothing else is served any more."""
        ending = Thread(target=self._provider.shutdown, daemon=True)
        ending.start()
        ending.join(CLOSE_SECONDS)


def _provider(ids: Any, version: str) -> TracerProvider:
    """The exporter, the batches and the sampler read OpenTelemetry's variables on their own."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    own = Resource({"service.name": "breakeven", "service.version": version})
    provider = TracerProvider(
        resource=own.merge(OTELResourceDetector().detect()), id_generator=ids, shutdown_on_exit=False
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(session=_session())))
    return provider


def _session() -> Any:
    """Goes to the collector that is named and nowhere else: no redirect, no proxy of the environment, no .netrc."""
    import requests

    class Direct(requests.Session):
        def request(self, *arguments: Any, **named: Any) -> requests.Response:
            return super().request(*arguments, **{**named, "allow_redirects": False})

    session = Direct()
    session.trust_env = False
    return session


def _ids() -> Any:
    """A generator whose ids follow from the request's: whoever sends its spans twice sends the same spans."""
    from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator

    class Seeded(IdGenerator):
        def __init__(self) -> None:
            self._random = RandomIdGenerator()
            self._seed = ""
            self._count = 0

        def seed(self, seed: str) -> None:
            self._seed, self._count = seed, 0

        def generate_trace_id(self) -> int:
            return self._bytes("trace", 16) if self._seed else self._random.generate_trace_id()

        def generate_span_id(self) -> int:
            self._count += 1
            return self._bytes(f"span {self._count}", 8) if self._seed else self._random.generate_span_id()

        def _bytes(self, what: str, length: int) -> int:
            """Never 0, which would be no id."""
            digest = hashlib.sha256(f"{what} {self._seed}".encode()).digest()
            return int.from_bytes(digest[:length], "big") or 1

        def is_trace_id_random(self) -> bool:
            return True

    return Seeded()
