"""What a passage makes of an upstream's events; how it is used stands in test_resources."""

from __future__ import annotations

import asyncio

import pytest
from support.compiled import interpreted_only

from router.core.resilience.retry import Fault
from router.gateway.held_answers import HeldAnswers
from router.gateway.passage import Passage
from router.upstream.errors import UpstreamError

pytestmark = interpreted_only


class Wire:
    """The connection under it."""

    def __init__(self) -> None:
        self.deadline = 0.0
        self.calls: list[str] = []

    def pause(self) -> None:
        self.calls.append("pause")

    def resume(self) -> None:
        self.calls.append("resume")

    def abort(self) -> None:
        self.calls.append("abort")


class Reader:
    """A client that reads slowly, or not."""

    def __init__(self, stalled: float = 0.0) -> None:
        self.written = b""
        self.stalled_since = stalled
        self.on_pause = self.on_resume = lambda: None

    def write(self, data: bytes) -> None:
        self.written += data


def passage(wire: Wire, answers: HeldAnswers | None = None, **more: float) -> Passage:
    loop = asyncio.get_running_loop()
    times = {"first_byte": 10.0, "idle": 5.0, "latest": loop.time() + 100.0, "most": 10} | more
    return Passage(loop, wire, answers=answers or HeldAnswers(10**6), owner="app", **times)


async def test_what_is_looked_at_is_collected_up_to_a_bound():
    whole = passage(Wire())
    whole.on_head(200, [])
    whole.on_body(b"12345")
    whole.on_body(b"67890")
    whole.on_end()
    assert await whole.collect() == b"1234567890"
    wire = Wire()
    large = passage(wire)
    large.on_head(200, [])
    large.on_body(b"12345678901")
    with pytest.raises(UpstreamError) as error:
        await large.collect()
    assert error.value.fault is Fault.TOO_LARGE and wire.calls == ["abort"]
    large.abandon()
    assert wire.calls == ["abort"]


async def test_where_a_worker_keeps_too_much_the_largest_goes_and_all_is_let_go():
    room, wire = HeldAnswers(250_000), Wire()
    one, other = (passage(each, room, most=10**6) for each in (wire, Wire()))
    for each in (one, other):
        each.on_head(200, [])
    one.on_body(b"x" * 150_000)
    other.on_body(b"x" * 120_000)
    with pytest.raises(UpstreamError) as error:
        await one.collect()
    assert error.value.fault is Fault.NO_ROOM and wire.calls == ["abort"] and room.bytes == 120_000
    other.on_end()
    room.hold(one, 200_000)
    assert len(await other.collect()) == 120_000, "what came whole is about to be the client's"
    one.abandon()
    other.abandon()
    assert room.bytes == 0


async def test_what_is_passed_on_is_kept_no_more():
    room = HeldAnswers(10**6)
    passed = passage(Wire(), room, most=10**6)
    passed.on_head(200, [])
    passed.on_body(b"x" * 150_000)
    assert room.bytes == 150_000
    passed.on_end()
    await passed.relay(client := Reader())
    assert room.bytes == 0 and len(client.written) == 150_000


@pytest.mark.parametrize(("told", "status"), [(200, 200), (599, 599), (600, 502), (999, 502), (199, 502)])
async def test_what_is_no_status_is_a_bad_answer(told: int, status: int):
    whole = passage(Wire())
    whole.on_head(told, [])
    assert whole.status == status


async def test_what_is_passed_on_flows_and_waits_for_slow_clients():
    wire, client = Wire(), Reader(stalled=1.0)
    flows = passage(wire)
    flows.on_head(200, [])
    flows.on_body(b"first ")
    relay = asyncio.ensure_future(flows.relay(client))
    await asyncio.sleep(0)
    assert (client.written, wire.calls) == (b"first ", ["pause"])
    client.on_resume()
    flows.on_body(b"much more than is ever held")
    client.on_pause()
    flows.on_end()
    await relay
    assert client.written == b"first much more than is ever held" and wire.calls == ["pause", "resume", "pause"]
    client.on_pause()
    client.on_resume()
    flows.abandon()
    assert wire.calls == ["pause", "resume", "pause"], "its connection may be another exchange's"


async def test_one_that_has_ended_already_is_passed_on_whole():
    client = Reader()
    short = passage(Wire())
    short.on_head(200, [])
    short.on_body(b"all")
    short.on_end()
    await short.relay(client)
    assert client.written == b"all"


async def test_it_is_waited_for_by_its_own_times():
    now = asyncio.get_running_loop().time()
    waits = passage(Wire(), first_byte=10.0, idle=200.0)
    assert now + 9 < waits.on_due(now) < now + 11
    waits.on_head(200, [])
    assert now + 99 < waits.on_due(now) <= now + 101, "the latest of all"


async def test_what_breaks_says_why():
    wire = Wire()
    broken = passage(wire)
    broken.on_lost(UpstreamError(Fault.RESET_BEFORE_HEAD, "gone"))
    await broken.head
    assert (broken.status == 0 and str(broken.broken) == "gone") or broken.broken is not None
    left = passage(wire)
    left.abandon()
    assert wire.calls == ["abort"]
