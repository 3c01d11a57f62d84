"""A request's record -> the spans that tell of it, by OpenTelemetry's conventions for generative AI.

Two spans per request. The outer one is the gateway's: from the request's arrival to the end of its answer. The inner
one, if a backend was asked, is the call that was answered: from when it was sent to the end. There is nothing in them
that the record does not have, so no prompt and no answer ever is.

Names of attributes: https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/, and `breakeven.*` for the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from msgspec import Struct

from router.core.backend_kinds import Backend
from router.core.values import Plan, Route
from router.ledger.record import FIELDS, Record
from router.ledger.record_schema import Field
from router.surfaces.registry import SURFACES

Value = str | int | float | bool | tuple[str, ...]

TOLD = frozenset({"settled", "refused"})
"""Kinds of record that spans are made of: the others are corrections of the books, without times."""
INTERRUPTED = "interrupted"
CLIENT_LEFT = "client_left"
PROVIDERS: Mapping[str, str] = {
    "azure": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "cohere_chat": "cohere",
    "gemini": "gcp.gemini",
    "google": "gcp.gen_ai",
    "mistral": "mistral_ai",
    "vertex_ai": "gcp.vertex_ai",
    "watsonx": "ibm.watsonx.ai",
    "x-ai": "x_ai",
    "xai": "x_ai",
}
"""What the conventions call a provider, where they call it something else than prices and litellm do."""

_MICRO = 1_000_000


def _traced(name: str, field: Field) -> tuple[str, Callable[[Record], Value]]:
    form = field.unit.columns[-1]
    return f"breakeven.{form.name.format(field.column or name)}", lambda record: form.of(getattr(record, name))


_TRACED = dict(_traced(name, field) for name, field in FIELDS.items() if field.traced)
"""By the attribute's name."""


class SpanDraft(Struct, frozen=True):
    name: str
    start: int
    """Nanoseconds since the epoch."""
    end: int
    attributes: Mapping[str, Value]
    error: str | None = None
    """What a person is told of the failure; None when there was none."""


class Drafts(Struct, frozen=True):
    seed: str
    """The same for the same request, whoever makes its spans; empty when it has no id."""
    request: SpanDraft
    call: SpanDraft | None


def drafts(record: Record, plan: Plan) -> Drafts | None:
    """None for a record that is no request."""
    if record.kind not in TOLD:
        return None
    error = _error(record)
    operation = _operation(record)
    return Drafts(
        seed=record.id or record.request,
        request=SpanDraft(
            "breakeven request",
            _at(record, 0),
            _at(record, record.duration),
            _of_request(record) | ({"error.type": error} if error else {}),
            record.detail if error else None,
        ),
        call=_call(record, plan, operation, error) if record.kind == "settled" else None,
    )


def _call(record: Record, plan: Plan, operation: str, error: str) -> SpanDraft:
    attributes: dict[str, Value] = {
        "gen_ai.operation.name": operation,
        "gen_ai.request.model": record.model,
        "gen_ai.request.stream": record.stream,
        "gen_ai.usage.input_tokens": record.input,
        "gen_ai.usage.output_tokens": record.output,
        "breakeven.backend": record.backend,
        "breakeven.zone": record.zone,
    }
    attributes |= _of_backend(record, plan)
    if record.cached:
        attributes["gen_ai.usage.cache_read.input_tokens"] = record.cached
    if record.cache_write:
        attributes["gen_ai.usage.cache_creation.input_tokens"] = record.cache_write
    if record.stream and record.first_byte > record.sent:
        attributes["gen_ai.response.time_to_first_chunk"] = (record.first_byte - record.sent) / _MICRO
    if error:
        attributes["error.type"] = error
    return SpanDraft(
        f"{operation} {record.model}",
        _at(record, record.sent),
        _at(record, max(record.sent, record.duration)),
        attributes,
        record.detail if error else None,
    )


def _of_request(record: Record) -> dict[str, Value]:
    """What is traced of its fields, texts only where there are any."""
    values = {name: value_of(record) for name, value_of in _TRACED.items()}
    status: dict[str, Value] = {"http.response.status_code": record.status} if record.status else {}
    return {name: value for name, value in values.items() if value not in ("", ())} | status


def _of_backend(record: Record, plan: Plan) -> dict[str, Value]:
    """What the policy in force says of it; nothing when it names it no more."""
    backend, route = plan.policy.backends.get(record.backend), _route(record, plan)
    if backend is None:
        return {"gen_ai.provider.name": record.backend}
    found: dict[str, Value] = {"gen_ai.provider.name": provider_of(backend, route)}
    if route is not None:
        found["gen_ai.response.model"] = route.upstream_model
    return found | _address(backend)


def provider_of(backend: Backend, route: Route | None) -> str:
    name = backend.provider_of(None if route is None else route.upstream_model)
    return PROVIDERS.get(name, name)


def _address(backend: Backend) -> dict[str, Value]:
    """Of a backend that has only one: the record does not say which replica it was."""
    urls = backend.addresses()
    if len(urls) != 1:
        return {}
    parts = urlsplit(urls[0])
    return {
        "server.address": parts.hostname or "",
        "server.port": parts.port or (443 if parts.scheme == "https" else 80),
    }


def _operation(record: Record) -> str:
    """The conventions' word for the endpoint, or else its name. Records of before name none, and most are chats."""
    surface = SURFACES.get(record.endpoint or "chat")
    return record.endpoint if surface is None else surface.operation or surface.name


def _route(record: Record, plan: Plan) -> Route | None:
    model = plan.models.get(record.model)
    routes = model.routes if model is not None else ()
    return next((route for route in routes if route.backend == record.backend), None)


def _error(record: Record) -> str:
    """A class of error, of which there are few; empty for none."""
    if record.kind == "refused":
        return record.reason or str(record.status)
    if not record.error:
        return ""
    if record.status >= 400:
        return str(record.status)
    return INTERRUPTED if record.status else CLIENT_LEFT


def _at(record: Record, offset: int) -> int:
    """Nanoseconds since the epoch, from microseconds since the arrival. Seconds as floats are good to a microsecond."""
    return (round(record.at * _MICRO) + offset) * 1000
