import asyncio

import pytest
from support.waiting import until

from router.simulate.engine import Engine, metrics_text
from router.simulate.settings import Settings


def engine(slots: int) -> Engine:
    return Engine(Settings(models=("m",), slots=slots, kv_tokens=100))


async def test_requests_beyond_the_slots_wait_in_order() -> None:
    subject, done = engine(1), list[int]()
    release = asyncio.Event()

    async def work(number: int) -> None:
        async with subject.slot(10):
            await release.wait()
            done.append(number)

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        for number in range(3):
            group.create_task(work(number))
        await until(lambda: subject.waiting == 2)
        assert (subject.running, subject.kv_cache_usage) == (1, 0.1)
        release.set()
    assert done == [0, 1, 2]
    assert (subject.running, subject.waiting, subject.kv_cache_usage) == (0, 0, 0.0)


async def test_who_leaves_the_queue_does_not_hold_a_slot() -> None:
    subject = engine(1)
    async with subject.slot(10):
        waiter = asyncio.create_task(subject.slot(10).__aenter__())
        await until(lambda: subject.waiting == 1)
        waiter.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiter
        assert subject.waiting == 0
    async with asyncio.timeout(10), subject.slot(10):
        assert subject.running == 1
    assert subject.finished["abort"] == 1


async def test_metrics_have_vllms_names() -> None:
    subject = engine(2)
    async with subject.slot(50):
        text = metrics_text(subject, "m")
    assert 'vllm:num_requests_running{engine="0",model_name="m"} 1.0\n' in text
    assert 'vllm:num_requests_waiting{engine="0",model_name="m"} 0.0\n' in text
    assert 'vllm:kv_cache_usage_perc{engine="0",model_name="m"} 0.5\n' in text
    assert "# TYPE vllm:num_requests_running gauge\n" in text
