"""A relay before a server, which notes how much of the server's processor each call takes.

What a busy machine does meanwhile is not in it, unlike in the server's own times, which go on while it has to wait.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from router.ledger.scripts import Scripts, read_scripts

_PIECE = 1 << 20
_WORDS = re.compile(rb"\$\d+\r\n(\w+)\r\n")


class Meter:
    """`calls` are names, and milliseconds of the server's main thread from a call's first byte to its answer's last.

    Calls that are under way together on one connection count as one; what other connections ask meanwhile counts, too.
    """

    def __init__(self, url: str, pid: int) -> None:
        self.url = url
        self.calls: list[tuple[str, float]] = []
        self._time = Path(f"/proc/{pid}/schedstat")
        scripts = read_scripts()
        self._names = {getattr(scripts, name).sha.encode(): name for name in Scripts.__struct_fields__}

    def now(self) -> float:
        """https://docs.kernel.org/scheduler/sched-stats.html: nanoseconds on the processor come first."""
        return int(self._time.read_text().split()[0]) / 1e6

    def name_of(self, data: bytes) -> str:
        command, *more = _WORDS.findall(data[:200])
        return self._names.get(more[0], "") if command == b"EVALSHA" and more else command.decode()


class _Call:
    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._name = ""
        self._from = self._until = 0.0

    def asked(self, data: bytes) -> None:
        if self._name and not self._until:
            return
        self.end()
        self._name, self._from, self._until = self._meter.name_of(data), self._meter.now(), 0.0

    def answered(self) -> None:
        self._until = self._meter.now()

    def end(self) -> None:
        if self._until:
            self._meter.calls.append((self._name, self._until - self._from))
            self._name, self._until = "", 0.0


@asynccontextmanager
async def metered(path: Path, pid: int, socket: Path) -> AsyncIterator[Meter]:
    """Listens on `socket` for the server at the unix socket `path`."""
    meter = Meter(f"unix://{socket}", pid)
    tasks: set[asyncio.Task[None]] = set()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())  # type: ignore[arg-type]
        answers, questions = await asyncio.open_unix_connection(path)
        call = _Call(meter)

        async def back() -> None:
            while data := await answers.read(_PIECE):
                call.answered()
                writer.write(data)

        task = asyncio.create_task(back())
        try:
            while data := await reader.read(_PIECE):
                call.asked(data)
                questions.write(data)
        except ConnectionError:
            pass
        finally:
            call.end()
            task.cancel()
            questions.close()
            writer.close()

    server = await asyncio.start_unix_server(relay, socket)
    try:
        yield meter
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
