"""Reads bodies: short ones at once, all others in a process apart, so that no other request waits for them.

A thread would not do: it holds the interpreter's lock while it decodes. What is merely long has other processes than
what is huge, and does not wait behind it. Each begins when it is needed, is started again when it ends, and is let go
when it idles. While they cannot be reached requests wait, for a while, and are then refused: nothing goes on unread.

Keys take turns, and two are read at once: whoever sends many bodies, or ones that take long, waits behind its own.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable
from io import BytesIO
from typing import Final

import msgspec

from router.core.reading import BadBody, Reading
from router.core.sensitivity.detectors import Detectors
from router.gateway.active_policy import ActivePolicy
from router.gateway.body_messages import LENGTHS, READY, BodyToRead, Brought, Found, Refused
from router.gateway.body_process import told_of
from router.gateway.decompress import encoding_of, inflate_short
from router.gateway.errors import ApiError
from router.gateway.request import Request
from router.surfaces.base import Surface
from router.system.turns import Turns

SHORT = 32 * 1024
"""Bytes up to which a body is read at once: the worst that can be in them takes a few milliseconds."""
LONG = 1024 * 1024
"""Bytes up to which a body goes to the first process; a compressed one up to `SHORT`, as there may be more in it."""
MOST_WAITING = 1024
"""Of all keys together: bodies that wait are held in memory as all others are, see `buffered_bytes`."""
MOST_OF_ONE = 64
"""Of one key."""
MOST_PROCESSES = 2
"""Of a kind, each with a body of another key."""
WAIT_SECONDS = 30.0
"""For its turn."""
READ_SECONDS = 20.0
"""For one body; a process that takes longer is ended. Shorter than anybody waits: who is next gets its turn."""
START_SECONDS = 30.0
"""For a process to start, which is not the fault of the body that it is started for."""
IDLE_SECONDS = 60.0
TRIES = 2
"""A body may be what ended a process, so it is not given to a third one."""
_COMMAND = "from sys import argv; from router.gateway.body_process import main; main(int(argv[1]))"
_PIPE_BYTES = 1024 * 1024

log = logging.getLogger("breakeven.gateway")
_decode = msgspec.msgpack.Decoder(Brought).decode
_encode = msgspec.msgpack.Encoder().encode


def _no_check() -> None:
    pass


class Read:
    """One body that was read. `detectors` know what is in it, and records keep its `dimensions`."""

    __slots__ = ("body", "detectors", "dimensions", "reading")

    def __init__(self, body: bytes, reading: Reading, detectors: Detectors, dimensions: tuple[str, ...]) -> None:
        self.body: Final = body
        self.reading: Final = reading
        self.detectors: Final = detectors
        self.dimensions: Final = dimensions


class BodyReader:
    """Of one worker."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._long = Lane(loop)
        self._huge = Lane(loop)
        self._told: tuple[ActivePolicy, bytes] | None = None

    def at_once(self, serving: ActivePolicy, surface: Surface, request: Request) -> Read | None:
        """None when it has to be read apart. Raises ApiError."""
        body = request.body
        if len(body) > SHORT:
            return None
        if "content-encoding" in request.headers:
            encoding = encoding_of(request.headers)
            plain = inflate_short(body, encoding, SHORT) if encoding else body
            if plain is None:
                return None
            body = plain
        try:
            if surface.takes_forms:
                reading = surface.read_as(body, request.headers.get("content-type", ""))
            else:
                reading = surface.read(body)
            return Read(body, reading, serving.detectors, serving.dimensions.of(surface, body))
        except BadBody as error:
            raise ApiError(400, error.code or "invalid_request", error.message, param=error.param) from None

    async def apart(
        self,
        serving: ActivePolicy,
        surface: Surface,
        request: Request,
        key: str,
        check: Callable[[], None] = _no_check,
    ) -> Read:
        """`key` is the name of whose turn it takes; `check` raises ApiError where it is not wanted any more when its
        turn has come. Raises ApiError."""
        encoding = encoding_of(request.headers)
        limit = serving.plan.policy.server.max_body_bytes
        content_type = request.headers.get("content-type", "")
        names = serving.dimensions.names
        sought = self._detectors(serving)
        again = serving.entities is not None
        errand = BodyToRead(surface.name, encoding, limit, sought, content_type, keep_texts=again, dimensions=names)
        body = request.body
        lane = self._long if len(body) <= (SHORT if encoding else LONG) else self._huge
        brought, plain = await lane.read(_encode(errand), body, key, check)
        if brought.refused is not None:
            raise _refusal(brought.refused)
        if brought.reading is None:
            log.error("a body could not be read", extra={"request": request.id, "defect": brought.defect})
            raise ApiError(500, "internal_error", "The gateway failed on this request; its log has the details.")
        found = Found(serving.detectors, brought.labels)
        return Read(plain if encoding else body, brought.reading, found, brought.dimensions)

    def _detectors(self, serving: ActivePolicy) -> bytes:
        """Written down once for each policy."""
        if self._told is None or self._told[0] is not serving:
            sensitivity = serving.plan.policy.sensitivity
            self._told = serving, told_of(sensitivity.detectors if sensitivity else ())
        return self._told[1]

    def close(self) -> None:
        self._long.close()
        self._huge.close()


class Lane:
    """Processes that take one body at a time, each of another key; a second one only while keys would wait for each
    other."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._turns = Turns(loop, MOST_PROCESSES)
        self._working: list[Process] = []
        self._resting: dict[Process, asyncio.TimerHandle] = {}
        """Those that wait for a body, and when they are let go; the one that had the last one last."""
        self._closed = False

    @property
    def pid(self) -> int:
        """Of one of its processes; 0 while there is none."""
        return next((process.pid for process in (*self._working, *self._resting)), 0)

    async def read(
        self, errand: bytes, body: bytes, key: str, check: Callable[[], None] = _no_check
    ) -> tuple[Brought, bytes]:
        """Raises ApiError."""
        if self._turns.of(key) >= MOST_OF_ONE:
            raise _busy(f"Too many large requests of the key '{key}' wait to be read.")
        if self._turns.count >= MOST_WAITING or self._closed:
            raise _busy()
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._turns.take(key)
        except TimeoutError:
            raise _busy() from None
        # Whoever leaves in the midst of it does not end the process: the next body would wait for another one to start,
        # which takes longer than most bodies do.
        reading = self._loop.create_task(self._read(errand, body, key, check))
        try:
            return await asyncio.shield(reading)
        except asyncio.CancelledError:
            reading.add_done_callback(_look_at)
            raise

    async def _read(self, errand: bytes, body: bytes, key: str, check: Callable[[], None]) -> tuple[Brought, bytes]:
        try:
            check()
            return await self._try(errand, body)
        finally:
            self._turns.give_back(key)

    async def _try(self, errand: bytes, body: bytes) -> tuple[Brought, bytes]:
        for _ in range(TRIES):
            process: Process | None = None
            try:
                process = await self._ready()
                async with asyncio.timeout(READ_SECONDS):
                    brought, plain = await _exchange(process, errand, body)
                self._put_back(process, spent=brought.spent)
                return brought, plain
            except TimeoutError:
                self._end(process)
                log.error("a body took too long to be read", extra={"bytes": len(body), "seconds": READ_SECONDS})
                raise _unread(f"It could not be read within {READ_SECONDS:g} seconds.") from None
            except (OSError, EOFError, RuntimeError) as error:  # uvloop raises the last for a pipe that has closed
                if self._closed:
                    raise _busy() from None
                code = None if process is None else process.returncode
                self._end(process)
                log.error("the process that reads bodies ended", extra={"error": type(error).__name__, "code": code})
            except asyncio.CancelledError:  # the worker ends
                self._end(process)
                raise
        raise _unread("The process that reads large requests ended twice while it read this one.")

    async def _ready(self) -> Process:
        """A process that takes a body. Raises ApiError when none has started in time."""
        while self._resting:
            process, let_go = self._resting.popitem()
            let_go.cancel()
            if process.returncode is None:
                self._working.append(process)
                return process
        command = (sys.executable, "-P", "-c", _COMMAND, str(os.getpid()))
        process = await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, limit=_PIPE_BYTES
        )
        self._working.append(process)
        told = process.stdout
        assert told is not None
        try:
            async with asyncio.timeout(START_SECONDS):
                await told.readexactly(len(READY))
        except TimeoutError:
            self._end(process)
            log.error("the process that reads bodies did not start", extra={"seconds": START_SECONDS})
            raise _busy("What reads large requests did not start in time.") from None
        except BaseException:
            self._end(process)
            raise
        return process

    def _put_back(self, process: Process, *, spent: bool) -> None:
        """For the next body. It goes once it had nothing to do for a while."""
        if spent or self._closed:
            self._end(process)
            return
        self._working.remove(process)
        self._resting[process] = self._loop.call_later(IDLE_SECONDS, self._end, process)

    def _end(self, process: Process | None) -> None:
        if process is None:
            return
        if process in self._working:
            self._working.remove(process)
        let_go = self._resting.pop(process, None)
        if let_go is not None:
            let_go.cancel()
        if process.returncode is None:
            process.kill()

    def close(self) -> None:
        self._closed = True
        for process in (*self._working, *self._resting):
            self._end(process)


def _look_at(reading: asyncio.Task[tuple[Brought, bytes]]) -> None:
    """At how it ended, since nobody else does."""
    if not reading.cancelled():
        reading.exception()


async def _exchange(process: Process, errand: bytes, body: bytes) -> tuple[Brought, bytes]:
    asked, told = process.stdin, process.stdout
    assert asked is not None and told is not None
    asked.write(LENGTHS.pack(len(errand), len(body)) + errand)
    asked.write(body)
    await asked.drain()
    head, plain = LENGTHS.unpack(await told.readexactly(LENGTHS.size))
    brought = _decode(await told.readexactly(head))
    return brought, await _received(told, plain)


async def _received(told: asyncio.StreamReader, size: int) -> bytes:
    """Put together as it comes: all of it in one turn would hold up all other requests."""
    plain = BytesIO()
    while left := size - plain.tell():
        piece = await told.read(min(left, _PIPE_BYTES))
        if not piece:
            raise EOFError
        plain.write(piece)
    return plain.getvalue()


def _refusal(refused: Refused) -> ApiError:
    return ApiError(refused.status, refused.code, refused.message, param=refused.param)


def _busy(why: str = "Too many large requests are being read.") -> ApiError:
    return ApiError(503, "too_many_large_requests", f"{why} Try again shortly.", retry_after=2, retryable=True)


def _unread(why: str) -> ApiError:
    return ApiError(503, "request_not_read", f"{why} Nothing was sent to a backend.", retryable=False)
