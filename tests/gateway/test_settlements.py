"""What the books say of attempts that came to nothing, and of reports that cannot be true."""

from __future__ import annotations

import asyncio
import hashlib
import json
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

import pytest
from genai_prices import data_snapshot
from genai_prices.types import ClauseEquals, ConditionalPrice, ModelInfo, ModelPrice, Provider, StartDateConstraint
from support.compiled import interpreted_only
from support.gateway import POLICY, Clock, Gateway, start_gateway, stop_gateway
from support.scripted import DONE, ScriptedBackend, answer, completion, drip, event, raw, silence, usage_event
from support.scripted import stream as events
from support.waiting import until

from router.core.limits.estimate import DEFAULT_OUTPUT_TOKENS
from router.surfaces.may_be_billed import HEADER, UNREAD
from router.upstream import connection as connection_module

RESTRICTED = {"model": "chat", "messages": [{"role": "user", "content": "My card is 4111 1111 1111 1111"}]}
ASK = {"model": "chat", "max_tokens": 50, "messages": [{"role": "user", "content": "hello there"}]}
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"

MAY_BE_BILLED = {
    "reset before the head": raw(b""),
    "silence": silence(),
    "a body shorter than announced": raw(HEAD + b"content-length: 500\r\n\r\n{}"),
}
IS_NOT_BILLED = {
    "429": answer(429, b"{}"),
    "400 is relayed": answer(400, b"{}"),
    "500": answer(500, b"{}"),
    "503": answer(503, b"{}"),
    "our key refused": answer(401, b"{}"),
}


def reporting(**usage: int) -> bytes:
    return json.dumps(json.loads(completion()) | {"usage": usage}).encode()


@pytest.mark.parametrize("fault", MAY_BE_BILLED.values(), ids=MAY_BE_BILLED)
async def test_a_failed_attempt_that_may_be_billed_is_counted(gateway, backends, fault):
    backends["gpu"].default = fault
    assert (await gateway.post(ASK))[0] == 200
    rows = {row.cell.backend: row for row in gateway.rows()}
    failed = rows["gpu"]
    assert (failed.requests, failed.errors, failed.estimated > 0, failed.input > 0) == (0, 0, True, True)
    assert rows["api"].requests == 1
    attempt = next(record for record in gateway.ledger.records if record.kind == "attempt")
    settled = next(record for record in gateway.ledger.records if record.kind == "settled")
    assert (attempt.request, attempt.backend, attempt.estimated) == (settled.request, "gpu", True)
    assert attempt.detail and not attempt.id


@pytest.mark.parametrize("fault", IS_NOT_BILLED.values(), ids=IS_NOT_BILLED)
async def test_an_error_that_came_as_an_answer_costs_nothing(gateway, backends, fault):
    backends["gpu"].default = fault
    await gateway.post(ASK)
    assert "attempt" not in {record.kind for record in gateway.ledger.records}


async def test_a_refused_connection_costs_nothing(gateway, backends):
    await backends["gpu"].stop()
    assert (await gateway.post(ASK))[0] == 200
    assert [record.kind for record in gateway.ledger.records] == ["settled"]


async def test_a_report_beyond_what_was_asked_is_not_believed(gateway, backends, caplog):
    backends["gpu"].default = answer(200, reporting(prompt_tokens=900_000_000, completion_tokens=900_000_000))
    await gateway.post(ASK)
    [row] = gateway.rows()
    assert row.output <= 50 + 16 and row.input < 10_000 and row.estimated == 1
    assert "reported what the request cannot have taken" in caplog.text


@pytest.mark.parametrize("told", [0, 1])
async def test_a_report_of_less_than_the_answer_holds_is_not_believed(gateway, backends, caplog, told):
    asked = {**ASK, "max_tokens": 900}
    usage = {"prompt_tokens": 12, "completion_tokens": told}
    backends["gpu"].default = answer(200, completion("word " * 400, usage))
    await gateway.post(asked)
    assert [(row.input, row.output, row.estimated) for row in gateway.rows()] == [(12, 500, 1)]
    assert "reported what the request cannot have taken" in caplog.text

    backends["gpu"].default = events(
        *(event("word ") for _ in range(400)), event(None, "stop"), usage_event(usage), DONE
    )
    await gateway.post({**asked, "stream": True, "stream_options": {"include_usage": True}})
    [row] = gateway.rows()
    assert (row.input, row.output, row.estimated) == (24, 1000, 2)


async def test_a_negative_report_is_none(gateway, backends):
    backends["gpu"].default = answer(200, reporting(prompt_tokens=-5, completion_tokens=-5))
    await gateway.post(ASK)
    [row] = gateway.rows()
    assert row.input > 0 and row.output > 0 and row.estimated == 1


async def test_an_honest_report_is_taken_as_it_is(gateway, backends):
    backends["gpu"].default = answer(200, reporting(prompt_tokens=12, completion_tokens=50))
    await gateway.post(ASK)
    [row] = gateway.rows()
    assert (row.input, row.output, row.estimated) == (12, 50, 0)


async def test_a_request_that_may_not_leave_is_compared_with_nothing(gateway):
    """And one beside it with the cloud that it could have gone to."""
    for body in (RESTRICTED, ASK):
        assert (await gateway.post(body))[0] == 200
    [row] = gateway.rows()
    assert (row.requests, row.captive, row.captive_tokens, row.captive_cost) == (2, 1, 18, 0)
    assert (row.counterfactual, row.cloud_value, row.eligible_tokens) == (5_850, 5_850, 18)
    assert [(record.captive, record.eligible, record.local) for record in gateway.ledger.records] == [
        (True, False, True),
        (False, True, True),
    ]


TWO_CLOUDS = """
version: 1
zones: {local: {owned: true}, cloud: {}, abroad: {}}
backends:
  gpu: {zone: local, kind: openai, url: %(gpu)s, serves: {chat: tiny-llama}}
  far: {zone: abroad, kind: openai, url: %(api)s, serves: {chat: {model: f, price: {input: 1, output: 1}}}}
  api: {zone: cloud, kind: openai, url: %(api)s, serves: {chat: {model: m, price: {input: 10, output: 10}}}}
models: {chat: {backends: [gpu, far, api]}}
sensitivity: {levels: {public: [local, cloud, abroad], internal: [local, cloud], restricted: [local]}}
cost: {strategy: local_first}
"""


@pytest.mark.parametrize(("level", "price"), [("public", 1), ("internal", 10)])
async def test_it_is_the_cheapest_cloud_that_this_request_may_reach(serve, level, price):
    gateway = await serve(TWO_CLOUDS)
    assert (await gateway.post(ASK, headers={"x-breakeven-sensitivity": level}))[0] == 200
    [row] = gateway.rows()
    assert (row.cell.backend, row.counterfactual, row.cloud_value) == ("gpu", 18_000 * price, 18_000 * price)


async def test_what_an_own_backend_failed_at_saved_nothing(gateway, backends):
    backends["gpu"].default = silence()
    await gateway.post(ASK)
    rows = {row.cell.backend: row for row in gateway.rows()}
    assert (rows["gpu"].input > 0, rows["gpu"].counterfactual, rows["gpu"].eligible_tokens) == (True, 0, 0)
    assert rows["api"].cloud_value == rows["api"].cost > 0


TIERS = POLICY.replace(
    "serves: {chat: gpt-4o-mini}",
    "serves: {chat: {model: gpt-4o-mini, price: {input: 1000, output: 0}, service_tiers: {flex: 0.5, priority: 2}}}",
).replace("local_first", "cloud_first")


@pytest.mark.parametrize(
    ("asked", "told", "cost", "estimated"),
    [
        (None, None, 12_000, 0),
        (None, "default", 12_000, 0),
        (None, "flex", 6_000, 0),
        ("flex", "flex", 6_000, 0),
        ("priority", "default", 12_000, 0),
        ("priority", None, 24_000, 0),
        ("auto", None, 12_000, 0),
        (None, "scale", 12_000, 1),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_what_the_answer_says_of_its_service_tier_is_charged(
    serve, backends, asked, told, cost, estimated, stream
):
    """And else what was asked for; a tier whose price is unknown costs the standard one, as an estimate."""
    usage = {"prompt_tokens": 12, "completion_tokens": 5}
    if stream:
        last = {"object": "chat.completion.chunk", "choices": [], "service_tier": told, "usage": usage}
        data = b"data: " + json.dumps(last).encode() + b"\n\n"
        backends["api"].default = events(event("Paris."), event(None, "stop"), data, DONE)
    else:
        whole = json.loads(completion(usage=usage)) | {"service_tier": told}
        backends["api"].default = answer(200, json.dumps(whole).encode())
    gateway = await serve(TIERS)
    assert (await gateway.post(ASK | {"service_tier": asked, "stream": stream}))[0] == 200
    [row] = gateway.rows()
    assert (row.cost, row.estimated) == (cost * 1000, estimated)


async def test_what_failed_is_charged_in_the_service_tier_that_it_asked_for(serve, backends):
    backends["api"].default = silence()
    gateway = await serve(TIERS)
    await gateway.post(ASK | {"service_tier": "priority"})
    failed = next(row for row in gateway.rows() if row.cell.backend == "api")
    assert failed.cost == failed.input * 2_000_000


async def test_a_price_that_begins_at_midnight_holds_from_then_on_without_a_reload(serve, backends, clock, monkeypatch):
    midnight = datetime.combine(datetime.now(UTC) + timedelta(days=2), time(), UTC)
    prices = [
        ConditionalPrice(prices=ModelPrice(input_mtok=Decimal(1000), output_mtok=Decimal(1))),
        ConditionalPrice(
            StartDateConstraint(midnight.date()), prices=ModelPrice(input_mtok=Decimal(3000), output_mtok=Decimal(1))
        ),
    ]
    model = ModelInfo(id="gpt-4o-mini", match=ClauseEquals("gpt-4o-mini"), prices=prices)
    listed = data_snapshot.DataSnapshot([Provider(id="openai", name="", api_pattern="", models=[model])], False)
    monkeypatch.setattr(data_snapshot, "get_snapshot", lambda: listed)
    backends["api"].default = answer(200, reporting(prompt_tokens=12, completion_tokens=0))
    clock.now = midnight.timestamp() - 600
    gateway = await serve(POLICY.replace("local_first", "cloud_first"))
    costs = []
    for seconds in (0, 599, 1):
        clock.now += seconds
        await gateway.post(ASK)
        costs.append(sum(record.cost for record in gateway.ledger.records) - sum(costs))
    assert costs == [12_000_000, 12_000_000, 36_000_000]


# --- behind the adapter

ADAPTED = """
version: 1
zones: {cloud: {}}
backends:
  far: {zone: cloud, kind: litellm, api_base: "http://127.0.0.1:1", serves: {chat: {model: openai/m, price: {input: 1,
        output: 2}}}, first_byte_timeout: 300ms, answer_timeout: 300ms, idle_timeout: 1s}
models: {chat: {backends: [far]}}
retry: {attempts: 1, deadline: 5s}
"""
ERROR = json.dumps({"error": {"message": "It failed.", "type": "server_error"}}).encode()
BROKEN = json.dumps({"error": {"message": "It failed.", "type": "server_error", "code": "connection_error"}}).encode()
UNREADABLE = json.dumps({"error": {"message": "It failed.", "type": "server_error", "code": UNREAD}}).encode()


@pytest.fixture
async def adapter(tmp_path):
    """In the place of the adapter; it answers as told."""
    made = ScriptedBackend()
    await made.start_as_adapter(str(tmp_path / "adapter"))
    yield made
    await made.stop()


@pytest.fixture
async def adapted(adapter, tmp_path) -> Gateway:
    made = await start_gateway(tmp_path, ADAPTED, {}, Clock(), str(tmp_path / "adapter"))
    yield made
    await stop_gateway(made)


def spent(gateway: Gateway) -> tuple[bool, int, bool]:
    """Whether there is input, how much output, and whether it is an estimate."""
    [row] = gateway.rows()
    return row.input > 0, row.output, row.estimated > 0


@pytest.mark.parametrize(
    ("told", "counted"),
    [("all", (True, 50, True)), ("input", (True, 0, True)), ("", (False, 0, False)), ("much", (False, 0, False))],
)
@pytest.mark.parametrize("status", [502, 400])
@pytest.mark.parametrize("stream", [False, True])
async def test_an_error_of_the_adapter_costs_what_it_says(adapter, adapted, told, counted, status, stream):
    adapter.default = answer(status, ERROR, f"{HEADER}: {told}\r\n")
    answered, headers, _ = await adapted.post(ASK | {"stream": stream})
    assert (answered, HEADER in headers) == (status, False)
    assert spent(adapted) == counted


async def test_no_other_backend_is_believed_when_it_speaks_of_bills(gateway, backends):
    for backend in backends.values():
        backend.default = answer(400, ERROR, f"{HEADER}: all\r\n")
    _, headers, _ = await gateway.post(ASK)
    assert HEADER not in headers and spent(gateway) == (False, 0, False)


@pytest.mark.parametrize("fault", [silence(), raw(b"")], ids=["silence", "a lost connection"])
async def test_an_adapter_that_does_not_answer_hides_what_its_provider_made(adapter, adapted, fault):
    adapter.default = fault
    assert (await adapted.post(ASK))[0] >= 500
    assert spent(adapted) == (True, 50, True)


async def test_where_nothing_was_asked_for_it_is_what_was_held(adapter, adapted):
    adapter.default = silence()
    await adapted.post({name: value for name, value in ASK.items() if name != "max_tokens"})
    assert spent(adapted) == (True, DEFAULT_OUTPUT_TOKENS, True)


@pytest.mark.parametrize(("error", "output"), [(BROKEN, 2), (UNREADABLE, 50)], ids=["cut", "not read"])
async def test_a_stream_is_counted_by_its_events_unless_the_adapter_could_not_read_on(adapter, adapted, error, output):
    adapter.default = events(event("a"), event("b"), b"data: " + error + b"\n\n", ends=False)
    assert (await adapted.post(ASK | {"stream": True}))[0] == 200
    assert spent(adapted) == (True, output, True)


async def test_an_adapter_that_is_lost_in_a_stream_takes_with_it_what_it_had_read(adapter, adapted):
    adapter.default = events(event("a"), event("b"), ends=False)
    await adapted.post(ASK | {"stream": True})
    assert spent(adapted) == (True, 50, True)


async def test_silence_in_a_stream_is_the_providers(adapter, adapted):
    adapter.default = drip(
        HEAD.replace(b"application/json", b"text/event-stream") + b"\r\n" + event("a"), b": ping\n\n"
    )
    await adapted.post(ASK | {"stream": True})
    assert spent(adapted) == (True, 1, True)


async def test_an_error_of_another_backend_is_no_word_on_what_could_be_read(gateway, backends):
    backends["gpu"].default = events(event("a"), event("b"), b"data: " + UNREADABLE + b"\n\n", ends=False)
    await gateway.post(ASK | {"stream": True})
    assert spent(gateway) == (True, 2, True)


async def test_a_client_that_leaves_before_the_usage_pays_for_what_long_events_said(gateway, backends):
    backends["gpu"].default = events(*[event("word " * 250)] * 4, ends=False, gap=0.0)
    body = json.dumps({"model": "chat", "messages": ASK["messages"], "stream": True}).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n")
    writer.write(b"content-length: %d\r\n\r\n" % len(body) + body)
    received = b""
    while received.count(b"data: ") < 4:
        received += await asyncio.wait_for(reader.read(65_536), 20)
    writer.close()
    await until(lambda: any(row.output for row in gateway.rows()))
    [output] = [row.output for row in gateway.rows() if row.output]
    assert output >= 1000


@interpreted_only
async def test_a_lost_call_on_a_connection_that_had_idled_is_an_attempt(gateway, backends, monkeypatch):
    """Its backend took the request, worked on it for a while, and closed."""
    monkeypatch.setattr(connection_module, "STALE_SECONDS", 0.0)
    assert (await gateway.post(ASK))[0] == 200
    backends["gpu"].script.append(raw(b""))
    status, headers, _ = await gateway.post(ASK)
    assert (status, headers["x-breakeven-backend"]) == (200, "api")
    assert headers["x-breakeven-reason"].startswith("failover from gpu")
    assert sum(row.input for row in gateway.rows() if row.cell.backend == "gpu") > 11


# --- an answer in one piece shows nothing until its end

CLOUD = POLICY.replace("backends: [gpu, api]", "backends: [api]")
OWN = POLICY.replace("backends: [gpu, api]", "backends: [gpu]")


@pytest.mark.parametrize(("policy", "name", "output"), [(CLOUD, "api", 50), (OWN, "gpu", 0)], ids=["cloud", "own"])
async def test_a_client_that_leaves_before_an_answer_in_one_piece_pays_what_may_be_billed(
    serve, backends, policy, name, output
):
    gateway = await serve(policy)
    backends[name].default = silence()
    body = json.dumps(ASK).encode()
    _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
    await asyncio.wait_for(backends[name].asked.wait(), 20)
    writer.transport.abort()
    await until(gateway.rows)
    assert spent(gateway) == (True, output, True)


async def test_a_stream_that_has_not_begun_has_produced_nothing(serve, backends):
    gateway = await serve(CLOUD)
    backends["api"].default = silence()
    assert (await gateway.post(ASK | {"stream": True}))[0] >= 500
    assert {row.output for row in gateway.rows()} == {0}


@pytest.mark.parametrize("fault", [silence(), raw(b"")], ids=["silence", "a lost connection"])
async def test_a_cloud_that_does_not_answer_in_time_may_have_worked_all_the_same(serve, backends, fault):
    gateway = await serve(CLOUD.replace("attempts: 3, deadline: 5s", "attempts: 1, deadline: 1s"))
    backends["api"].default = fault
    assert (await gateway.post(ASK))[0] >= 500
    assert spent(gateway) == (True, 50, True)


async def test_an_event_that_is_too_full_to_be_read_may_have_been_all_that_was_asked(serve, backends):
    gateway = await serve(CLOUD)
    full = b'data: {"choices":[{"index":0,"logprobs":[' + b"1," * 9_000_000 + b"1]}]}\n\n"
    backends["api"].default = events(event("a"), full, DONE)
    status, _, body = await gateway.post(ASK | {"stream": True})
    assert status == 200 and body.endswith(full + DONE)
    assert spent(gateway) == (True, 50, True)


# --- what is not read is not booked below what it can have been

FREE = {name: value for name, value in ASK.items() if name != "max_tokens"}
HELD = f"""{CLOUD}
keys: [{{name: k, sha256: {hashlib.sha256(b"k").hexdigest()}, budget: {{usd_per_day: 100}}}}]
ledger: {{holds: learned}}
"""
CONTEXT = 128_000 + 16
"""Tokens of the model's, and what some count beyond."""
KEY = {"authorization": "Bearer k"}
LOGPROBS = b'{"token":"a","bytes":[1]},' * 200_000
USED = b'"usage":{"prompt_tokens":20,"completion_tokens":15000,"total_tokens":15020}'


@pytest.mark.parametrize("used", [b"", b"," + USED], ids=["nothing", "its usage"])
async def test_an_event_that_nobody_reads_is_booked_by_its_usage_or_by_all_that_it_can_be(serve, backends, used):
    """Where the client did not say how long it may be, and other answers were short."""
    gateway = await serve(HELD)
    for _ in range(60):
        assert (await gateway.post(ASK, headers=KEY))[0] == 200
    before = spent(gateway)[1]
    full = b'data: {"choices":[{"index":0,"logprobs":[' + LOGPROBS * 4 + b"{}]}]" + used + b"}\n\n"
    backends["api"].default = events(event("a"), full, event(None, "stop"), DONE)
    asked = {**FREE, "stream": True, "stream_options": {"include_usage": True}}
    status, _, body = await gateway.post(asked, headers=KEY)
    assert status == 200 and full in body
    assert spent(gateway) == (True, before + (15_000 if used else CONTEXT), True)


@pytest.mark.parametrize("used", [b"", b"," + USED], ids=["nothing", "its usage"])
async def test_an_answer_in_one_piece_that_nobody_reads_is_booked_alike(serve, backends, used):
    gateway = await serve(CLOUD)
    full = b'{"choices":[' + b"{}," * 1_600_000 + b"{}]" + used + b"}"
    backends["api"].default = answer(200, full)
    await gateway.post(FREE)
    settled = [record.output for record in gateway.ledger.records if record.kind == "attempt"]
    assert settled and set(settled) == {15_000 if used else CONTEXT}


async def test_one_that_is_too_long_to_be_kept_may_have_been_all_that_was_asked(serve, backends):
    gateway = await serve(CLOUD + "server: {max_answer_bytes: 1000}\n")
    backends["api"].default = raw(HEAD + b"content-length: 5000\r\n\r\n")
    await gateway.post(ASK)
    assert {record.output for record in gateway.ledger.records if record.kind == "attempt"} == {50}


async def test_a_client_that_leaves_and_set_no_limit_pays_all_that_the_answer_can_be(serve, backends):
    """Not what others were held to: a budget is reached by those who always leave, too."""
    gateway = await serve(HELD)
    for _ in range(60):
        assert (await gateway.post(ASK, headers=KEY))[0] == 200
    before = spent(gateway)[1]
    backends["api"].default = silence()
    backends["api"].asked.clear()
    body = json.dumps(FREE).encode()
    _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer k\r\n")
    writer.write(b"content-length: %d\r\n\r\n" % len(body) + body)
    await asyncio.wait_for(backends["api"].asked.wait(), 20)
    writer.transport.abort()
    await until(lambda: spent(gateway)[1] > before)
    assert CONTEXT - 16 <= spent(gateway)[1] - before <= CONTEXT
