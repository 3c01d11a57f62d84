"""A client may leave a stream at any moment: the ledger has what the upstream produced until then.

The backend produces an event whenever it is told to, and counts its tokens, so that it has produced exactly what the
client saw when that leaves.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from support.gateway import POLICY
from support.scripted import DONE
from support.waiting import until

PROMPT = 23
TOKENS = (0, 1, 3, 1, 2, 1, 0)
"""In each event: the role's, texts of one or several tokens, the finish's."""
EVENTS = len(TOKENS)
ONES = (0, 1, 1, 1, 1, 0)
ASK = {"model": "chat", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
VLLM = POLICY.replace("gpu: {zone: local, kind: openai", "gpu: {zone: local, kind: vllm")


@dataclass
class Producer:
    """Streams `tokens`, an event each, for every choice in turn."""

    tokens: tuple[int, ...] = TOKENS
    choices: int = 1
    reports: bool = True
    """Whether it knows of usage at all."""
    fingerprint: str = ""
    """In the very last event, whichever that is."""
    produced: int = 0
    steps: asyncio.Queue[None] = field(default_factory=asyncio.Queue)
    """One for the headers, one for each event."""

    def events(self, options: dict[str, Any]) -> list[tuple[bytes, int]]:
        """As vLLM writes them; each with the tokens that it holds."""
        made, running = [], [0] * self.choices
        for number, tokens in enumerate(self.tokens):
            for index in range(self.choices):
                running[index] += tokens
                finish = "stop" if number == len(self.tokens) - 1 else None
                choice = {"index": index, "delta": {"content": "x" * tokens}, "finish_reason": finish}
                chunk: dict[str, Any] = {"id": "c", "choices": [choice]}
                if self.reports and options.get("continuous_usage_stats"):
                    chunk["usage"] = self.usage(running[index])
                made.append((sse(chunk), tokens))
        if self.reports and options.get("include_usage"):
            made.append((sse({"id": "c", "choices": [], "usage": self.usage(sum(running))}), 0))
        if self.fingerprint:
            last, tokens = made[-1]
            made[-1] = (sse(json.loads(last[6:]) | {"system_fingerprint": self.fingerprint}), tokens)
        return [*made, (DONE, 0)]

    def usage(self, output: int) -> dict[str, int]:
        return {"prompt_tokens": PROMPT, "total_tokens": PROMPT + output, "completion_tokens": output}

    async def __call__(self, reader: Any, writer: asyncio.StreamWriter, request: dict[str, Any]) -> None:
        await self.steps.get()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        for event, tokens in self.events(request.get("stream_options") or {}):
            await self.steps.get()
            self.produced += tokens
            writer.write(b"%x\r\n%b\r\n" % (len(event), event))
            await writer.drain()
        writer.write(b"0\r\n\r\n")

    def step(self, times: int = 1) -> None:
        for _ in range(times):
            self.steps.put_nowait(None)


def sse(chunk: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(chunk, separators=(",", ":")).encode() + b"\n\n"


@pytest.fixture
def cut(serve, backends):
    """Plays a stream of which the client leaves after so many events; gives the ledger's row."""

    async def play(producer: Producer, after: int, policy: str = VLLM, **options: bool) -> Any:
        gateway = await serve(policy)
        backends["gpu"].default = producer
        asked = ASK | ({"n": producer.choices} if producer.choices > 1 else {})
        body = json.dumps(asked | ({"stream_options": options} if options else {})).encode()
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        await asyncio.wait_for(backends["gpu"].asked.wait(), 10)
        seen = b""
        producer.step()
        for event in [each for each, _ in producer.events(options)][:after]:
            producer.step()
            if policy is VLLM and b'"finish_reason":"stop"' in event and not options.get("include_usage"):
                producer.step()  # it waits for the next one, see `ContinuousScanner`
            seen += await asyncio.wait_for(reader.readuntil(event), 10)
        writer.transport.abort()
        await until(gateway.rows)
        [row] = gateway.rows()
        assert (row.requests, not gateway.ledger.holds) == (1, True)
        return row

    return play


@pytest.mark.parametrize("choices", [1, 3])
@pytest.mark.parametrize("after", range(1, EVENTS + 1))
async def test_a_vllm_is_charged_for_what_it_produced(cut, after, choices):
    producer = Producer(choices=choices)
    row = await cut(producer, after * choices)
    assert (row.input, row.output, row.estimated) == (PROMPT, producer.produced, 0)
    assert producer.produced == choices * sum(TOKENS[:after])


@pytest.mark.parametrize("after", range(1, EVENTS * 2 + 1))
async def test_also_between_the_events_of_two_choices(cut, after):
    producer = Producer(choices=2)
    row = await cut(producer, after)
    assert (row.input, row.output, row.estimated) == (PROMPT, producer.produced, 0)


@pytest.mark.parametrize("options", [{"include_usage": True}, {"include_usage": True, "continuous_usage_stats": True}])
@pytest.mark.parametrize("after", [EVENTS + 1, EVENTS + 2])
async def test_after_the_usage_and_after_done_it_is_exact(cut, after, options):
    producer = Producer()
    row = await cut(producer, after, **options)
    assert (row.input, row.output, row.estimated) == (PROMPT, sum(TOKENS), 0)


@pytest.mark.parametrize("after", range(1, EVENTS + 1))
async def test_a_client_that_has_running_usage_itself_is_charged_the_same(cut, after):
    producer = Producer()
    row = await cut(producer, after, include_usage=True, continuous_usage_stats=True)
    assert (row.input, row.output, row.estimated) == (PROMPT, producer.produced, 0)


@pytest.mark.parametrize("reports", [True, False])
@pytest.mark.parametrize("after", range(1, len(ONES) + 1))
async def test_without_running_usage_it_is_estimated_by_events(cut, after, reports):
    """Never below what was produced where an event holds one token; at most two above it: the role's and the end's."""
    producer = Producer(ONES, reports=reports)
    row = await cut(producer, after, POLICY)
    assert row.estimated == 1
    assert producer.produced <= row.output == after <= producer.produced + 2
    assert row.input > 0


@pytest.mark.parametrize("policy", [VLLM, POLICY], ids=["vllm", "openai"])
async def test_with_the_usage_at_the_end_every_backend_is_exact(cut, policy):
    row = await cut(Producer(), EVENTS + 1, policy, include_usage=True)
    assert (row.input, row.output, row.estimated) == (PROMPT, sum(TOKENS), 0)


async def test_a_client_that_leaves_before_the_headers_is_charged_for_its_input(serve, backends):
    gateway = await serve(VLLM)
    backends["gpu"].default = Producer()
    body = json.dumps(ASK).encode()
    _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
    await asyncio.wait_for(backends["gpu"].asked.wait(), 10)
    writer.transport.abort()
    await until(gateway.rows)
    [row] = gateway.rows()
    assert (row.requests, row.output, row.estimated, row.input > 0) == (1, 0, 1, True)
    assert not gateway.ledger.holds


async def test_a_client_that_stays_sees_no_usage_that_it_did_not_ask_for(serve, backends):
    gateway = await serve(VLLM)
    producer = backends["gpu"].default = Producer()
    producer.step(100)
    _, _, body = await gateway.post(ASK)
    assert body == b"".join(event for event, _ in producer.events({}))
    [row] = gateway.rows()
    assert (row.input, row.output, row.estimated) == (PROMPT, sum(TOKENS), 0)
    options = {"include_usage": True, "continuous_usage_stats": True}
    assert backends["gpu"].requests[0]["stream_options"] == options


@pytest.mark.parametrize("options", [{"include_usage": True}, {"include_usage": True, "continuous_usage_stats": True}])
async def test_a_client_that_asked_sees_what_it_asked_for(serve, backends, options):
    gateway = await serve(VLLM)
    producer = backends["gpu"].default = Producer(fingerprint="vllm-0.32.0")
    producer.step(100)
    _, _, body = await gateway.post(ASK | {"stream_options": options})
    assert body == b"".join(event for event, _ in producer.events(options))


@pytest.mark.parametrize("policy", [VLLM, POLICY], ids=["vllm", "openai"])
@pytest.mark.parametrize("options", [{"include_usage": False}, {}], ids=["switched off", "not asked for"])
async def test_running_usage_of_one_who_wants_no_usage_is_not_shown(serve, backends, policy, options):
    """vLLM itself gives it to nobody who does not want usage; here usage was switched on by us."""
    gateway = await serve(policy)
    producer = backends["gpu"].default = Producer()
    producer.step(100)
    _, _, body = await gateway.post(ASK | {"stream_options": options | {"continuous_usage_stats": True}})
    assert body == b"".join(event for event, _ in producer.events({}))
    [row] = gateway.rows()
    assert (row.input, row.output, row.estimated) == (PROMPT, sum(TOKENS), 0)


@pytest.mark.parametrize("choices", [1, 2])
async def test_without_usage_the_fingerprint_stands_where_vllm_writes_it(serve, backends, choices):
    gateway = await serve(VLLM)
    producer = backends["gpu"].default = Producer(fingerprint="vllm-0.32.0", choices=choices)
    producer.step(100)
    _, _, body = await gateway.post(ASK | {"n": choices})
    assert body == b"".join(event for event, _ in producer.events({}))
