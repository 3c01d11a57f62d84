from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from pydantic import TypeAdapter
from support.sleepy_vllm import KEY, SleepyVllm, sleepy_vllms

from router.core.backend_kinds import Backend
from router.power.drivers.driver import DriverError, Seen
from router.power.drivers.sleep import SleepDriver


@pytest_asyncio.fixture
async def two(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[SleepyVllm, SleepyVllm]]:
    monkeypatch.setenv("GPU_KEY", KEY)
    async with sleepy_vllms(2) as (first, second):
        yield first, second


def backend(url: str, level: int = 1) -> Backend:
    power = {"driver": "sleep", "card": "gpu-0", "timeout": "10s", "sleep_level": level}
    given = {"zone": "local", "kind": "vllm", "url": url, "serves": {"chat": "m"}, "api_key": "env:GPU_KEY"}
    return TypeAdapter(Backend).validate_python(given | {"power": power})


def driver(url: str, level: int = 1, **sharing: str) -> SleepDriver:
    of = backend(url, level)
    assert of.power is not None and of.power.driver == "sleep"
    return SleepDriver(of, of.power, {name: backend(each) for name, each in sharing.items()})


async def test_it_wakes_answers_and_sleeps(two: tuple[SleepyVllm, SleepyVllm]) -> None:
    vllm, _ = two
    unit = driver(vllm.url)
    assert await unit.look() == Seen(0, 0, "")
    for units in (1, 0, 1):
        await unit.start(units)
    assert await unit.look() == Seen(1, 1, "")
    for units in (0, 1, 0):
        await unit.stop(units)
    assert await unit.look() == Seen(0, 0, "")
    assert vllm.told == ["/wake_up", "/sleep?level=1"], "each of them once"
    await unit.close()


async def test_one_is_awake_on_a_card(two: tuple[SleepyVllm, SleepyVllm]) -> None:
    first, second = two
    one, other = driver(first.url, big=second.url), driver(second.url, small=first.url)
    await one.start(1)
    with pytest.raises(DriverError, match="small is awake on the card gpu-0: it has to sleep first"):
        await other.start(1)
    assert second.asleep
    await one.stop(0)
    await other.start(1)
    assert not second.asleep
    await one.close()
    await other.close()


async def test_weights_that_were_dropped_are_read_anew_before_there_is_memory_for_anything_else(
    two: tuple[SleepyVllm, SleepyVllm],
) -> None:
    vllm, _ = two
    unit = driver(vllm.url, level=2)
    await unit.start(1)
    await unit.stop(0)
    assert vllm.lost and await unit.look() == Seen(0, 0, "")
    vllm.told.clear()
    await unit.start(1)
    assert vllm.told == ["/wake_up?tags=weights", "/collective_rpc", "/wake_up?tags=kv_cache"]
    assert not vllm.lost and await unit.look() == Seen(1, 1, "")
    await unit.close()


async def test_one_that_cannot_wake_whole_sleeps_again(two: tuple[SleepyVllm, SleepyVllm]) -> None:
    vllm, _ = two
    vllm.broken_at = "/collective_rpc"
    unit = driver(vllm.url, level=2)
    with pytest.raises(DriverError, match="/collective_rpc answered 500"):
        await unit.start(1)
    assert vllm.card.awake == [] and vllm.told[-1] == "/sleep?level=2"
    await unit.close()


async def test_what_does_not_run_holds_no_card_and_what_does_not_answer_may(
    two: tuple[SleepyVllm, SleepyVllm],
) -> None:
    first, second = two
    gone = driver(first.url, big="http://127.0.0.1:9/v1")
    await gone.start(1)
    assert not first.asleep
    await gone.stop(0)
    second.hangs = True
    silent = driver(first.url, big=second.url)
    with pytest.raises(DriverError, match="whether big is awake on the card cannot be told: no answer within 2 s"):
        await silent.start(1)
    assert first.asleep
    await gone.close()
    await silent.close()


async def test_one_that_cannot_sleep_says_what_it_lacks(two: tuple[SleepyVllm, SleepyVllm]) -> None:
    vllm, _ = two
    vllm.dev_mode = False
    unit = driver(vllm.url)
    seen = await unit.look()
    assert seen.units is None and seen.why.endswith("with --enable-sleep-mode and VLLM_SERVER_DEV_MODE=1")
    with pytest.raises(DriverError, match="--enable-sleep-mode"):
        await unit.stop(0)
    await unit.close()


async def test_one_that_fails_or_is_gone(two: tuple[SleepyVllm, SleepyVllm]) -> None:
    vllm, _ = two
    vllm.status = 500
    unit = driver(vllm.url)
    with pytest.raises(DriverError, match="/wake_up answered 500"):
        await unit.start(1)
    await unit.close()
    gone = driver("http://127.0.0.1:9/v1")
    seen = await gone.look()
    assert seen.units == 0 and seen.why.startswith("it does not run: no connection"), "it holds none of the card"
    for call in (gone.start(1), gone.stop(0)):
        with pytest.raises(DriverError, match="no connection"):
            await call
    await gone.close()
