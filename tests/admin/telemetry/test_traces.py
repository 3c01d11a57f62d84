"""Traces: sent to a real receiver, by OpenTelemetry's own variables, and no word of a prompt in them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys

import pytest
from aiohttp import web
from support.otlp import attributes, collecting

from router.admin.telemetry.spans import drafts
from router.admin.telemetry.traces import NOT_GRPC, NOT_INSTALLED, NoTraces, OtlpTraces, traces_from, wanted
from router.config.load import load
from router.core.values import Plan
from router.ledger.record import Record
from tests.admin.telemetry.test_spans import RECORD, changed

CLIENT, SERVER = 3, 2
ERROR = 2


@pytest.fixture
def plan(policy) -> Plan:
    return load(policy)


@pytest.fixture
def otlp(monkeypatch, plan):
    """`otlp(url)`: traces that go there at once."""
    made = []

    def start(url: str, **variables: str):
        environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_BSP_SCHEDULE_DELAY": "50"} | variables
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        made.append(traces_from(environment, lambda: plan, "1.2.3"))
        return made[-1]

    yield start
    for traces in made:
        traces.close()


async def test_a_request_arrives_as_two_spans(otlp, plan):
    async with collecting() as collector:
        traces = otlp(collector.url)
        assert traces.on
        traces.hear(RECORD)
        call, request = sorted(await collector.until(2), key=lambda span: -span.kind)
    expected = drafts(RECORD, plan)
    assert (call.kind, request.kind) == (CLIENT, SERVER)
    assert call.trace_id == request.trace_id and call.parent_span_id == request.span_id and not request.parent_span_id
    for span, draft in ((call, expected.call), (request, expected.request)):
        assert span.name == draft.name
        assert (span.start_time_unix_nano, span.end_time_unix_nano) == (draft.start, draft.end)
        tags = draft.attributes.get("breakeven.tags")
        assert attributes(span) == dict(draft.attributes) | ({"breakeven.tags": list(tags)} if tags else {})
    assert collector.resources[0]["service.name"] == "breakeven"
    assert collector.resources[0]["service.version"] == "1.2.3"


async def test_the_service_may_have_another_name(otlp):
    async with collecting() as collector:
        traces = otlp(
            collector.url, OTEL_SERVICE_NAME="llm", OTEL_RESOURCE_ATTRIBUTES="deployment.environment.name=test"
        )
        traces.hear(RECORD)
        await collector.until(2)
    assert collector.resources[0]["service.name"] == "llm"
    assert collector.resources[0]["deployment.environment.name"] == "test"


async def test_an_error_is_one_in_the_trace_too(otlp):
    async with collecting() as collector:
        otlp(collector.url).hear(changed(error=True, status=502, detail="connection refused"))
        spans = await collector.until(2)
    assert {span.status.code for span in spans} == {ERROR}
    assert {span.status.message for span in spans} == {"connection refused"}


async def test_the_same_request_makes_the_same_spans_whoever_sends_them(otlp):
    async with collecting() as collector:
        traces = otlp(collector.url)
        for record in (RECORD, RECORD, changed(id="another")):
            traces.hear(record)
        spans = await collector.until(6)
    assert len({span.trace_id for span in spans}) == 2
    assert len({(span.trace_id, span.span_id) for span in spans}) == 4


async def test_records_without_an_id_have_traces_of_their_own(otlp):
    async with collecting() as collector:
        traces = otlp(collector.url)
        for _ in range(2):
            traces.hear(Record("refused", "", 1.0, "k", "t", "m", reason="rate_limit", status=429))
        spans = await collector.until(2)
    assert len({span.trace_id for span in spans}) == 2


async def test_what_is_left_is_sent_at_the_end(otlp):
    async with collecting() as collector:
        traces = otlp(collector.url, OTEL_BSP_SCHEDULE_DELAY="3600000")
        traces.hear(RECORD)
        await asyncio.to_thread(traces.close)
        assert len(collector.spans) == 2


async def test_a_collector_that_hangs_holds_nothing_up(otlp):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        traces = otlp(url, OTEL_EXPORTER_OTLP_TIMEOUT="3600")
        traces.hear(RECORD)
        await asyncio.wait_for(asyncio.to_thread(traces.close), 60)


@pytest.mark.parametrize(
    ("environment", "answer"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318/v1/traces"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_SDK_DISABLED": "TRUE"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_TRACES_EXPORTER": "none"}, False),
    ],
)
def test_opentelemetrys_own_variables_decide(environment, answer):
    assert wanted(environment) is answer


def test_off_is_an_object_and_imports_nothing(plan, monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    traces = traces_from({}, lambda: plan, "1")
    assert isinstance(traces, NoTraces) and not traces.on
    traces.hear(RECORD)
    traces.close()


def test_without_the_libraries_one_line_says_what_to_do(plan, monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    traces = traces_from({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}, lambda: plan, "1")
    assert not traces.on
    assert caplog.messages == [NOT_INSTALLED] and "scripts/environment.sh otel" in NOT_INSTALLED


def test_grpc_is_not_spoken(otlp, caplog):
    assert isinstance(otlp("http://127.0.0.1:9", OTEL_EXPORTER_OTLP_PROTOCOL="grpc"), OtlpTraces)
    assert caplog.messages == [NOT_GRPC]


async def test_spans_go_to_the_named_collector_alone(otlp, monkeypatch):
    """Whatever proxy the environment has, and wherever an answer would send them."""
    async with collecting() as elsewhere:
        monkeypatch.setenv("HTTP_PROXY", elsewhere.url)
        monkeypatch.setenv("http_proxy", elsewhere.url)
        monkeypatch.setenv("NO_PROXY", "")
        async with redirecting(f"{elsewhere.url}/v1/traces") as (url, asked):
            otlp(url).hear(RECORD)
            await asyncio.wait_for(asked.wait(), 60)
            await asyncio.sleep(0.2)
        assert not elsewhere.bodies


@contextlib.asynccontextmanager
async def redirecting(target):
    """A collector's address that redirects; and whether it was asked."""
    asked = asyncio.Event()

    async def answer(request):
        await request.read()
        asked.set()
        return web.Response(status=307, headers={"location": target})

    app = web.Application()
    app.add_routes([web.post("/{path:.*}", answer)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}", asked
    await runner.cleanup()
