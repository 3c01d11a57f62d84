"""The whole gateway sends traces when a collector is named in its environment."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from support.otlp import attributes, collecting
from support.serving import Serving
from valkey import Valkey

from router.core.values import Cell, RequestOutcome, Settlement, Usage
from router.ledger.record import batch_blob, pack_record
from router.ledger.server.embedded import running_url

SECRET = "the patient is called Zyx Wvut"


def settlement(number: int) -> Settlement:
    course = RequestOutcome(request=f"req-{number}", reason="local-first", status=200, attempts=1, duration=1000)
    cell = Cell("gpu", "local", "chat", "default", "anonymous")
    return Settlement(f"test-{number}", cell, time.time(), Usage(3, 0, 0, 4), 0, 5, False, True, course)


async def test_requests_become_spans_without_a_word_of_what_they_said(policy, serve):
    async with collecting() as collector:
        environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "20"}
        serving = await asyncio.to_thread(serve, policy, environment=environment)
        with Valkey.from_url(running_url(serving.data_dir)) as valkey:
            for number in range(1000):  # what is written before it follows is not sent
                message = [{"role": "user", "content": SECRET}]
                assert (await asyncio.to_thread(serving.ask, messages=message)).status == 200
                valkey.xadd("be:{ledger}:requests", {"n": 1, "b": batch_blob([pack_record(settlement(number))])})
                if any(attributes(span).get("breakeven.request_id") == f"req-{number - 1}" for span in collector.spans):
                    break
        calls = [attributes(span) for span in collector.spans if span.name == "chat chat"]
        assert calls and calls[0]["gen_ai.provider.name"] == "vllm"
        assert calls[0]["gen_ai.response.model"] == "simulated-llama"
        assert not any(SECRET.encode() in body for body in collector.bodies)
        assert exporting(serving)
        assert await asyncio.to_thread(serving.stop) == 0


def test_without_a_collector_the_libraries_are_not_even_loaded(policy, serve):
    assert not exporting(serve(policy))


def exporting(serving: Serving) -> bool:
    """Whether the control plane has loaded protobuf's library, which comes with the exporter."""
    control = next(iter(serving.children("router.app.control_plane")))
    return "google/_upb" in Path(f"/proc/{control.pid}/maps").read_text()
