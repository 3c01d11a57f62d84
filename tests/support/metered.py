"""A relay before a server, which notes how much of the server's processor each script takes.

What a busy machine does meanwhile is not in it, unlike in the server's own times, which go on while it has to wait. But
it makes the processor itself slower, for a moment or for all of the time. So calls are made several times, of which the
least counts, and a loop that is always the same tells how fast the processor was.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib import resources
from pathlib import Path

from valkey import Valkey

from router.ledger.reports import verify
from router.ledger.scripts import Scripts, read_scripts

_PIECE = 1 << 20
_WORDS = re.compile(rb"\$\d+\r\n(\w+)\r\n")
_BEGINNING = 40
_YARDSTICK = """
local sum = 0
for i = 1, 3000 do
  local a, b, c = cmsgpack.unpack(cmsgpack.pack(i, i * 1000, i .. '|'))
  sum = sum + a + b
end
return sum
"""


class Meter:
    """`calls` are milliseconds of the server's processor by the script's name, from a call's first byte to its answer's
    last.

    Calls that are under way together on one connection count as one; what other connections ask meanwhile counts, too.
    What is no script is not noted.
    """

    def __init__(self, url: str, pid: int) -> None:
        self.url = url
        self.calls: dict[str, list[float]] = defaultdict(list)
        self._clock = (~pid << 3) | 2
        scripts = read_scripts()
        self._names = {getattr(scripts, name).sha.encode(): name for name in Scripts.__struct_fields__}
        folder = resources.files("router.ledger.scripts")
        sources = {name: (folder / f"{name}.lua").read_text() for name in ("tally", "keep")} | {"verify": verify._READ}
        self._sources = {source[:_BEGINNING].encode(): name for name, source in sources.items()}

    def now(self) -> float:
        """The clock of another process, as clock_getcpuclockid(3) makes it: exact also while the process runs."""
        return time.clock_gettime_ns(self._clock) / 1e6

    def name_of(self, data: bytes) -> str:
        command, *more = _WORDS.findall(data[:200])
        if command == b"EVALSHA":
            return self._names[more[0]]
        return next((name for source, name in self._sources.items() if command == b"EVAL" and source in data[:200]), "")

    def yardstick(self, client: Valkey) -> float:
        """Milliseconds of the loop that is always the same: the least of several."""
        times = []
        for _ in range(20):
            before = self.now()
            client.eval(_YARDSTICK, 0)
            times.append(self.now() - before)
        return min(times)


def least(rounds: Sequence[Mapping[str, list[float]]]) -> dict[str, list[float]]:
    """Of the same calls in several rounds: of each the time in the round where it took the least.

    A round with another number of calls is not compared, as it is not known which of them are the same.
    """
    alike = {name: _alike(calls[name] for calls in rounds) for name in rounds[0]}
    return {name: [min(each) for each in zip(*calls, strict=True)] for name, calls in alike.items()}


def _alike(rounds: Iterable[list[float]]) -> list[list[float]]:
    found = list(rounds)
    ((usual, _),) = Counter(map(len, found)).most_common(1)
    return [calls for calls in found if len(calls) == usual]


class _Call:
    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._asked, self._name = False, ""
        self._from = self._until = 0.0

    def asked(self, data: bytes) -> None:
        if self._asked and not self._until:
            return
        self.end()
        self._asked, self._name, self._from = True, self._meter.name_of(data), self._meter.now()

    def answered(self) -> None:
        self._until = self._meter.now()

    def end(self) -> None:
        if self._until:
            if self._name:
                self._meter.calls[self._name].append(self._until - self._from)
            self._asked, self._until = False, 0.0


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
