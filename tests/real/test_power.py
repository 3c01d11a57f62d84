"""A gateway that starts a vLLM with a real model because a request waits that may go nowhere else, and stops it again.

Skipped where vLLM is not installed: `make local` installs it, or REAL_VLLM_PYTHON names the Python of an environment
that has it, and REAL_VLLM_FOLDER the model's folder.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import openai
import pytest
from support.engines import free_port
from support.lives import Lives
from support.serving import Serving, eventually

from router.core.cost.rent import RentState
from router.ledger.reports.totals import open_report
from router.ledger.server.embedded import running_url
from router.power.drivers.process import NAME
from router.power.drivers.process_identity import identity_of
from router.power.drivers.programs import end_all, last_run
from router.power.drivers.registry import folder_of

LOCAL = Path(__file__).parents[2] / ".venv-local"
PYTHON = Path(os.environ.get("REAL_VLLM_PYTHON", LOCAL / "bin" / "python"))
MODEL = Path(os.environ.get("REAL_VLLM_FOLDER", LOCAL / "smollm2-135m"))
MISSING = next((f"{each} is not there: `make local` makes it" for each in (PYTHON, MODEL) if not each.exists()), "")
PATIENCE = 900
"""Seconds for a start; on two cores that nobody else uses it takes about forty."""
POLICY = """
version: 1
zones: {{local: {{owned: true}}, cloud: {{}}}}
backends:
  gpu:
    zone: local
    kind: vllm
    url: http://127.0.0.1:{port}/v1
    serves: {{chat: smollm2-135m}}
    cost: {{usd_per_hour: 3600}}
    capacity: {{queue_timeout: 600s}}
    first_byte_timeout: 300s
    power:
      driver: process
      launch:
        python: {python}
        model: {model}
        max_model_len: 2048
        args: [--enforce-eager]
        env: {{HF_HUB_OFFLINE: "1", VLLM_CPU_KVCACHE_SPACE: "1"}}
      start_time: 60s
      min_on: 10s
      min_off: 0s
      drain: 10s
  api: {{zone: cloud, kind: openai, url: "http://127.0.0.1:9/v1", serves: {{chat: gpt-4o-mini}}}}
models: {{chat: {{backends: [gpu, api]}}}}
sensitivity: {{levels: {{public: [local, cloud], restricted: [local]}}, default: public}}
health: {{probe_interval: 200ms}}
retry: {{deadline: 900s}}
"""

pytestmark = [pytest.mark.real_vllm, pytest.mark.skipif(bool(MISSING), reason=MISSING)]


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY.format(port=free_port(), python=PYTHON, model=MODEL))
    serving = Serving(tmp_path / "data", ("--policy", str(policy))).start()
    yield serving
    serving.stop()
    found = last_run(folder_of("gpu", serving.data_dir), NAME)
    if found is not None:
        end_all(found)


@pytest.fixture
def lives(serving: Serving) -> Iterator[Lives]:
    lives = Lives(folder_of("gpu", serving.data_dir))
    yield lives
    lives.end()


def asked(serving: Serving, question: str) -> str:
    client = openai.OpenAI(base_url=f"{serving.url}/v1", api_key="any", timeout=PATIENCE, max_retries=0)
    answer = client.chat.completions.with_raw_response.create(
        model="chat",
        messages=[
            {"role": "system", "content": "You are a helpful assistant."},
            {"role": "user", "content": question},
        ],
        max_tokens=16,
        temperature=0,
        extra_headers={"x-breakeven-sensitivity": "restricted"},
    )
    assert answer.headers["x-breakeven-backend"] == "gpu"
    return answer.parse().choices[0].message.content or ""


def rented(serving: Serving) -> float:
    """Seconds for which the ledger has rent of it."""

    async def read() -> float:
        url = running_url(serving.data_dir)
        assert url is not None
        today = datetime.now(UTC).date()
        days = [(today - timedelta(days=back)).isoformat() for back in (0, 1)]
        async with open_report(url) as report:
            rows = await report.rent(days)
        unpaid = (RentState.OFF, RentState.GAP, RentState.ROUNDING)
        return sum(row.milliseconds for row in rows if row.backend == "gpu" and row.state not in unpaid) / 1000

    return asyncio.run(read())


@pytest.mark.timeout(4 * PATIENCE)
def test_a_request_that_may_not_leave_wakes_it_and_its_rent_is_the_time_that_it_lived(
    serving: Serving, lives: Lives
) -> None:
    assert "Paris" in asked(serving, "What is the capital of France?")
    (first,) = lives.seconds
    eventually(lambda: not identity_of(first), PATIENCE)
    eventually(lambda: abs(rented(serving) - lives.seconds[first]) < 1, 60)
    booked = rented(serving)
    print(f"first life {lives.seconds[first]:.2f} s, rent {booked:.2f} s")
    together = [threading.Thread(target=asked, args=(serving, f"What is {n} + {n}?")) for n in range(3)]
    for each in together:
        each.start()
    for each in together:
        each.join()
    (second,) = lives.seconds.keys() - {first}
    eventually(lambda: not identity_of(second), PATIENCE)
    eventually(lambda: abs(rented(serving) - booked - lives.seconds[second]) < 1, 60)
    print(f"second life {lives.seconds[second]:.2f} s, rent {rented(serving) - booked:.2f} s")
    assert len(lives.seconds) == 2, "three that waited woke it once"
