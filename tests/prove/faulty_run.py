"""Plays faults against a whole gateway with default settings: real processes, real litellm, real connections.

Each cell has a backend and a model of its own, so that no circuit opens for another one. All that can take long is
asked first, so that everything waits at the same time; ordinary requests in between earn the retries.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httptools
import uvloop
from msgspec import Struct
from prove.faults import Fault
from prove.faulty import SPARE, Bill, Faulty
from support.litellm import VARIABLE
from support.serving import PROJECT, Serving, clean_environment, rss_mib

KINDS = ("cloud", "own", "adapter")
MAX_TOKENS = 64
QUESTION = "Please say in a few plain words what a proxy between programs and models is good for, " * 2
PATIENCE = 660.0
"""Seconds for which a client waits; nothing may take that long."""
KEPT = 4_000_000
"""Bytes of an answer that are looked at."""
QUICK = 5.0
"""Seconds after which the next wave begins, though something that should be quick goes on."""
WAVE = 40
"""Cells that begin at once; each wave follows `ORDINARY` requests that succeed."""
ORDINARY = 400
ROUNDS = 3
"""How often what is quick is asked again, while memory is watched."""


class Cell(Struct, frozen=True):
    fault: Fault
    kind: str
    stream: bool
    beside: bool
    """Whether another backend serves its model as well."""

    @property
    def name(self) -> str:
        """Of its backend and of its model."""
        form = "stream" if self.stream else "answer"
        return f"{self.fault.slug}.{self.kind}.{form}.{'beside' if self.beside else 'alone'}"


@dataclass
class Seen:
    """What a client saw, with seconds since it asked."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    whole: bool = False
    """Whether it ended as its framing says."""
    first: float = 0.0
    """When the first byte of the body came."""
    worded: float = 0.0
    """When the last event or piece of the body came."""
    ended: float = 0.0


class Booked(Struct):
    """The sums of what the ledger has for one model."""

    input: int = 0
    output: int = 0
    cost: float = 0
    """In micro-USD."""
    attempts: int = 0
    estimated: bool = False


class Played(Struct, frozen=True):
    cell: Cell
    seen: Seen
    bill: Bill
    """For the first time that it was asked; so is `booked`."""
    booked: Booked


@dataclass
class Outcome:
    played: list[Played] = field(default_factory=list)
    memory: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """MiB of each process: after the first round, and after each of the others."""
    unpaid: list[str] = field(default_factory=list)
    """What was booked below the bill when everything was asked again."""
    seconds: float = 0.0


def cells_of(faults: Iterable[Fault], kinds: Sequence[str] = KINDS) -> list[Cell]:
    return [
        Cell(fault, kind, stream, beside)
        for fault in sorted(faults, key=lambda each: not each.slow)
        for kind in kinds
        for stream in (False, True)
        for beside in (False, True)
    ]


def policy_of(cells: Sequence[Cell], faulty: Faulty) -> dict[str, Any]:
    price = {"input": 1.0, "output": 2.0}

    def backend(kind: str, url: str, models: Sequence[str]) -> dict[str, Any]:
        if kind == "own":
            served: Any = {name: {"model": name, "context": 100_000} for name in models}
            return {"zone": "local", "kind": "vllm", "url": url, "cost": {"usd_per_hour": 1.0}, "serves": served}
        if kind == "cloud":
            served = {name: {"model": name, "price": price} for name in models}
            return {"zone": "cloud", "kind": "openai", "url": url, "serves": served}
        served = {name: {"model": f"openai/{name}", "price": price} for name in models}
        return {"zone": "cloud", "kind": "litellm", "api_base": url, "api_key": "env:FAULTY_API_KEY", "serves": served}

    backends = {each.name: backend(each.kind, faulty.url(each.name, each.fault.place), [each.name]) for each in cells}
    for side in ("own", "cloud"):
        beside = [each.name for each in cells if each.beside and (each.kind == "own") == (side == "own")]
        backends[f"{SPARE}-{side}"] = backend(side, faulty.url(SPARE), [*beside, f"plain-{side}"])
    models = {
        each.name: {"backends": [each.name, f"{SPARE}-{'own' if each.kind == 'own' else 'cloud'}"][: 1 + each.beside]}
        for each in cells
    }
    models |= {f"plain-{side}": {"backends": [f"{SPARE}-{side}"]} for side in ("own", "cloud")}
    secrets = {"FAULTY_API_KEY": ["127.0.0.1", "no-such-host.invalid:1"]}
    zones = {"local": {"owned": True}, "cloud": {}}
    return {"version": 1, "zones": zones, "secrets": secrets, "backends": backends, "models": models}


# --- clients


class _Answer:
    """One connection's side that reads."""

    def __init__(self, seen: Seen, started: float) -> None:
        self.seen = seen
        self._started = started
        self.parser = httptools.HttpResponseParser(self)

    def on_status(self, status: bytes) -> None:
        self.seen.status = self.parser.get_status_code()

    def on_header(self, name: bytes, value: bytes) -> None:
        self.seen.headers[name.decode().lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self.seen.status = self.parser.get_status_code()

    def on_body(self, data: bytes) -> None:
        now = time.monotonic() - self._started
        if not self.seen.first:
            self.seen.first = now
        if not data.startswith(b":"):
            self.seen.worded = now
        if len(self.seen.body) < KEPT:
            self.seen.body += data

    def on_message_complete(self) -> None:
        if self.seen.status >= 200:
            self.seen.whole = True


async def ask(port: int, model: str, stream: bool) -> Seen:
    """One request on a connection of its own, until its end or until patience ends."""
    seen, started = Seen(), time.monotonic()
    asked: dict[str, Any] = {
        "model": model,
        "messages": [{"role": "user", "content": QUESTION}],
        "max_tokens": MAX_TOKENS,
    }
    content = json.dumps(asked | ({"stream": True} if stream else {})).encode()
    head = "POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(PATIENCE):
            writer.write(f"{head}content-length: {len(content)}\r\n\r\n".encode() + content)
            answer = _Answer(seen, started)
            while not seen.whole and (data := await reader.read(65_536)):
                answer.parser.feed_data(data)
    except (TimeoutError, ConnectionError, httptools.HttpParserError):
        pass
    finally:
        seen.ended = time.monotonic() - started
        writer.close()
    return seen


# --- the run


class Run:
    def __init__(self, cells: Sequence[Cell], folder: Path, rounds: int = ROUNDS) -> None:
        self.cells = cells
        self.outcome = Outcome()
        self._rounds = rounds
        self._folder = folder
        by_name = {each.name: each for each in cells}
        self._faulty = Faulty(
            lambda name, stream: by_name[name].fault.plays(stream), [*by_name, "plain-own", "plain-cloud"], folder
        )
        self._serving = Serving(folder / "data", ("--policy", str(folder / "policy.yaml")), {"FAULTY_API_KEY": "k"})
        self._port = 0

    async def play(self) -> Outcome:
        started = time.monotonic()
        await self._faulty.start()
        (self._folder / "policy.yaml").write_text(json.dumps(policy_of(self.cells, self._faulty)))
        try:
            await asyncio.to_thread(self._serving.start)
            self._port = int(self._serving.url.rpartition(":")[2])
            await self._all()
        finally:
            await asyncio.to_thread(self._serving.stop)
            await self._faulty.stop()
        self.outcome.seconds = time.monotonic() - started
        return self.outcome

    async def _all(self) -> None:
        await asyncio.sleep(3.0)  # until every own backend was probed
        slow = [each for each in self.cells if each.fault.slow]
        quick = [each for each in self.cells if not each.fault.slow]
        waiting = asyncio.create_task(self._round(slow))
        seen = await self._round(quick)
        bills, booked = await self._settled(quick)
        self._remember()
        for _ in range(self._rounds):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(QUICK * len(quick) / WAVE + 60.0):
                    await self._round(quick, ordinary=0)
            self._remember()
        await self._compare(quick)
        seen |= await waiting
        late, said = await self._settled(slow)
        self._remember()
        bills |= late
        booked |= said
        self.outcome.played = [
            Played(each, seen[each.name], bills[each.name], booked[each.name]) for each in self.cells
        ]

    async def _round(self, cells: Sequence[Cell], ordinary: int = ORDINARY) -> dict[str, Seen]:
        """Everything once, a wave after the other; a wave need not have ended when the next one begins."""
        asked: dict[str, asyncio.Task[Seen]] = {}
        for wave in (cells[at : at + WAVE] for at in range(0, len(cells), WAVE)):
            await self._ordinary(ordinary)
            asked |= {each.name: asyncio.create_task(ask(self._port, each.name, each.stream)) for each in wave}
            quick = [asked[each.name] for each in wave if not each.fault.slow]
            if quick:
                await asyncio.wait(quick, timeout=QUICK)
        try:
            return {name: await task for name, task in asked.items()}
        finally:
            for task in asked.values():
                task.cancel()

    async def _ordinary(self, requests: int) -> None:
        for _ in range(requests // 20):
            await asyncio.gather(*(ask(self._port, "plain-cloud", number % 2 == 0) for number in range(20)))

    async def _settled(self, cells: Sequence[Cell]) -> tuple[dict[str, Bill], dict[str, Booked]]:
        """Bills and books, once what is under way has been written down."""
        await asyncio.sleep(3.0)
        bills = {each.name: Bill(**_fields(self._faulty.bills[each.name])) for each in cells}
        booked = await asyncio.to_thread(self._export)
        return bills, {each.name: booked[each.name] for each in cells}

    async def _compare(self, cells: Sequence[Cell]) -> None:
        bills, booked = await self._settled(cells)
        self.outcome.unpaid = [
            f"{each.name}: {booked[each.name]} for {bills[each.name]}"
            for each in cells
            if worth(booked[each.name]) < worth(bills[each.name])
        ]

    def _export(self) -> dict[str, Booked]:
        command = [sys.executable, "-m", "router", "export", "--data-dir", str(self._serving.data_dir)]
        done = subprocess.run(
            command, capture_output=True, check=True, env=clean_environment(), cwd=PROJECT, timeout=120
        )
        found: dict[str, Booked] = defaultdict(Booked)
        for line in done.stdout.splitlines():
            record = json.loads(line)
            booked = found[record["model"]]
            booked.input += record["input_tokens"]
            booked.output += record["output_tokens"]
            booked.cost += record["cost_micro_usd"]
            booked.attempts += record["attempts"] or 0
            booked.estimated |= record["estimated"]
        return found

    def _remember(self) -> None:
        for name in ("router.app.worker", "router.litellm_adapter"):
            for process in self._serving.children(name):
                self.outcome.memory[name].append(round(rss_mib(process.pid), 1))


def _fields(bill: Bill) -> dict[str, int]:
    return {name: getattr(bill, name) for name in bill.__struct_fields__}


def worth(tokens: Bill | Booked) -> int:
    """In micro-USD by the prices of the policy, wherever the tokens were made."""
    return tokens.input + 2 * tokens.output


def play(cells: Sequence[Cell], python: str, rounds: int = ROUNDS) -> Outcome:
    """`python` is an interpreter that has litellm."""
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        run = Run(cells, Path(folder), rounds)
        run._serving.environment = {**run._serving.environment, VARIABLE: python}
        return runner.run(run.play())
