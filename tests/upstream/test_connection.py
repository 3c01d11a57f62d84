"""One connection: framing, reuse, silence, and the last line of the egress gate."""

from __future__ import annotations

import asyncio

import pytest
from support.compiled import interpreted_only
from support.scripted import answer, completion, raw, silence

from router.core.resilience.retry import Fault
from router.upstream import connection as module
from router.upstream.connection import Headers
from router.upstream.errors import EgressViolation, UpstreamError
from router.upstream.pool import Pool
from router.upstream.target import Target

LOCAL = frozenset({"local"})
HEAD = b"HTTP/1.1 200 OK\r\n"


class Recorder:
    """A sink that writes down what happens."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: Headers = []
        self.body = b""
        self.ended: asyncio.Future[UpstreamError | None] = asyncio.get_running_loop().create_future()

    def on_head(self, status: int, headers: Headers) -> None:
        self.status, self.headers = status, headers

    def on_body(self, data: bytes) -> None:
        self.body += data

    def on_end(self) -> None:
        self.ended.set_result(None)

    def on_due(self, now: float) -> float:
        return now

    def on_lost(self, error: UpstreamError) -> None:
        self.ended.set_result(error)


async def ask(pool: Pool, permitted: frozenset[str] = LOCAL, patience: float = 5.0) -> Recorder:
    connection = pool.take_idle() or await pool.connect(10.0)
    sink = Recorder()
    head = pool.head("/chat/completions") + b"content-length: 2\r\n\r\n"
    connection.send(permitted, head, b"{}", sink, due=asyncio.get_running_loop().time() + patience)
    await asyncio.wait_for(sink.ended, 20)
    return sink


async def test_an_answer_arrives_and_the_connection_is_used_again(pool, backend):
    for _ in range(3):
        sink = await ask(pool)
        assert (sink.status, sink.body, sink.ended.result()) == (200, completion(), None)
        assert (b"content-type", b"application/json") in sink.headers
    assert len(backend.writers) == 1 and pool.busy == 0


@pytest.mark.parametrize(
    "body", [b"{}", b" " * 300_000 + b"{}", (b"{", memoryview(b"{}")[1:]), (b"", b" " * 300_000, b"{}")]
)
async def test_a_body_goes_as_it_is_whole_or_in_pieces(pool, backend, body):
    connection, sink = await pool.connect(10.0), Recorder()
    whole = b"".join(body) if isinstance(body, tuple) else body
    head = pool.head("/chat/completions") + b"content-length: %d\r\n\r\n" % len(whole)
    connection.send(LOCAL, head, body, sink, due=asyncio.get_running_loop().time() + 5)
    await asyncio.wait_for(sink.ended, 20)
    assert sink.status == 200 and bytes(backend.received) == head + whole


async def test_nothing_is_written_to_a_zone_that_is_not_permitted(pool, backend):
    with pytest.raises(EgressViolation):
        await ask(pool, permitted=frozenset({"cloud"}))
    assert not backend.received


ENDINGS = {
    "closed at once": (raw(b""), Fault.RESET_BEFORE_HEAD),
    "garbage": (raw(b"SSH-2.0-OpenSSH_9.2\r\n"), Fault.BAD_RESPONSE),
    "length and chunks": (
        raw(HEAD + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
        Fault.BAD_RESPONSE,
    ),
    "two lengths": (raw(HEAD + b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}"), Fault.BAD_RESPONSE),
    "a bad chunk size": (raw(HEAD + b"transfer-encoding: chunked\r\n\r\n-1\r\n"), Fault.BAD_RESPONSE),
    "a body cut off": (raw(HEAD + b"content-length: 9\r\n\r\n{}"), Fault.MID_STREAM),
    "chunks cut off": (raw(HEAD + b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n"), Fault.MID_STREAM),
}


@pytest.mark.parametrize(("behaviour", "fault"), ENDINGS.values(), ids=ENDINGS.keys())
async def test_bad_endings(pool, backend, behaviour, fault):
    backend.default = behaviour
    error = (await ask(pool)).ended.result()
    assert error is not None and error.fault is fault
    assert pool.take_idle() is None


async def test_a_body_without_framing_ends_with_the_connection(pool, backend):
    backend.default = raw(b"HTTP/1.1 200 OK\r\n\r\nuntil the end")
    sink = await ask(pool)
    assert (sink.body, sink.ended.result()) == (b"until the end", None)
    assert pool.take_idle() is None


INTERIM = {
    "100": b"HTTP/1.1 100 Continue\r\n\r\n",
    "102": b"HTTP/1.1 102 Processing\r\n\r\n",
    "103": b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n",
    "several": 7 * b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n",
    "with the framing of none": b"HTTP/1.1 103 Early Hints\r\ncontent-length: 5\r\n\r\n",
}


@pytest.mark.parametrize("interim", INTERIM.values(), ids=INTERIM.keys())
async def test_interim_answers_are_skipped(pool, backend, interim):
    backend.default = raw(interim + HEAD + b"content-length: 2\r\n\r\n{}", close=False)
    for _ in range(2):
        sink = await ask(pool)
        assert (sink.status, sink.body, sink.ended.result()) == (200, b"{}", None)
        assert [name for name, _ in sink.headers] == [b"content-length"]
    assert len(backend.writers) == 1


SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n"
NO_STATUS = {
    "another protocol": SWITCHED,
    "another protocol and its bytes": SWITCHED + b"\x81\x05hello",
    "another protocol after hints": INTERIM["several"] + SWITCHED,
    "another protocol without its name": b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + HEAD + b"\r\n",
    "a status below all": b"HTTP/1.1 099 X\r\ncontent-length: 2\r\n\r\n{}",
    "hints without end": 10_000 * INTERIM["103"],
}


@pytest.mark.parametrize("answered", NO_STATUS.values(), ids=NO_STATUS.keys())
async def test_what_is_no_answer_of_this_protocol_is_a_bad_one(pool, backend, answered):
    reported: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: reported.append(context))
    backend.default = raw(answered, close=False)
    error = (await ask(pool)).ended.result()
    assert error is not None and error.fault is Fault.BAD_RESPONSE
    assert pool.take_idle() is None and pool.busy == 0 and not reported


async def test_connection_close_is_honoured(pool, backend):
    backend.default = answer(200, b"{}", "connection: close\r\n")
    assert (await ask(pool)).body == b"{}"
    assert pool.take_idle() is None


async def test_bytes_after_the_answer_close_the_connection(pool, backend):
    backend.default = raw(HEAD + b"content-length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\n\r\n", close=False)
    sink = await ask(pool)
    assert (sink.body, sink.ended.result()) == (b"{}", None)
    assert pool.take_idle() is None


async def test_silence_is_noticed_by_the_pools_clock(pool, backend):
    backend.default = silence()
    asking = asyncio.create_task(ask(pool, patience=0.0))
    await backend.asked.wait()
    pool.tick(asyncio.get_running_loop().time() + 1)
    error = (await asking).ended.result()
    assert error is not None and error.fault is Fault.FIRST_BYTE_TIMEOUT


async def test_a_connection_closed_while_it_idled_is_stale_not_failed(pool, backend):
    await ask(pool)
    connection = pool.take_idle()
    assert connection is not None
    backend.default = raw(b"")
    sink = Recorder()
    connection.send(LOCAL, pool.head("/x") + b"\r\n", b"", sink, due=float("inf"))
    error = await asyncio.wait_for(sink.ended, 20)
    assert error is not None and error.stale


@interpreted_only
async def test_one_that_closed_after_a_while_may_have_worked_on_the_request(pool, backend, monkeypatch):
    monkeypatch.setattr(module, "STALE_SECONDS", 0.0)
    await ask(pool)
    connection = pool.take_idle()
    assert connection is not None
    backend.default = raw(b"")
    sink = Recorder()
    connection.send(LOCAL, pool.head("/x") + b"\r\n", b"", sink, due=float("inf"))
    error = await asyncio.wait_for(sink.ended, 20)
    assert error is not None and not error.stale and error.fault is Fault.RESET_BEFORE_HEAD


async def test_aborting_closes_the_backends_side_at_once(pool, backend):
    backend.default = silence()
    connection = await pool.connect(10.0)
    head = pool.head("/x") + b"content-length: 0\r\n\r\n"
    connection.send(LOCAL, head, b"", Recorder(), due=float("inf"))
    await backend.asked.wait()
    connection.abort()
    await asyncio.wait_for(backend.left.wait(), 1)


async def test_idle_connections_age_out(pool):
    await ask(pool)
    pool.tick(asyncio.get_running_loop().time() + 60)
    assert pool.take_idle() is None


async def test_nobody_listens(pool, backend):
    await backend.stop()
    with pytest.raises(UpstreamError) as caught:
        await pool.connect(10.0)
    assert caught.value.fault is Fault.REFUSED


async def test_a_name_that_does_not_resolve():
    target = Target(backend="gpu", zone="local", host="no-such-host.invalid", port=1, prefix="/v1")
    with pytest.raises(UpstreamError) as caught:
        await Pool(target, 5.0, asyncio.get_running_loop()).connect(5.0)
    assert caught.value.fault is Fault.DNS


def test_a_target_never_shows_its_credential():
    target = Target(backend="b", zone="z", host="h", port=1, prefix="", credential="Bearer sk-secret")
    assert "sk-secret" not in repr(target) and "sk-secret" not in str(target)
    assert b"sk-secret" in target.head("/chat/completions")
