"""What concerns this gateway alone, in a file of its data directory: it must be told while the ledger is lost, too.

It is written before anything is sent, and outlives a power cut; who is killed finds it at the next start. Nobody else
writes it.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from router.core.alerts.notices import Message, Notice
from router.core.alerts.states import Alert, Move
from router.ledger.alerts import MOST_TOGETHER, MOST_WAITING, REFUSALS, REMEMBERED, AlertsLook, LaneReport, Outcome
from router.system.atomic_file import replacing

log = logging.getLogger("breakeven.alerts")


class Lane(Struct, kw_only=True):
    queue: list[Notice] = []
    since: float = 0.0
    """When the first of them came."""
    message: Message | None = None
    due: float = 0.0
    parts: list[Notice] = []
    """Of messages that were refused, to be sent when nothing else waits."""
    aside: list[Notice] = []
    """That were refused alone, to be tried after all others when they have rested."""
    rests: float = 0.0
    """Until when."""
    most: int = 1
    """Of them in one message."""
    report: LaneReport = LaneReport()


class Kept(Struct, kw_only=True):
    """New fields need a default."""

    alerts: dict[str, Alert] = {}
    told: list[Notice] = []
    lanes: dict[str, Lane] = {}


_decode = msgspec.msgpack.Decoder(Kept).decode


class LocalAlerts:
    """An `AlertBook` that is always available; `clock` gives seconds since the epoch."""

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        self._path, self._clock = path, clock
        self._kept = _read(path)
        self._sending: set[str] = set()
        self._writing = asyncio.Lock()

    async def look(self) -> AlertsLook:
        return AlertsLook(self._clock(), dict(self._kept.alerts), {})

    async def write(self, look: AlertsLook, moves: Sequence[tuple[Move, Sequence[str]]]) -> list[bool]:
        done = [self._apply(move, lanes) for move, lanes in moves]
        if any(done):
            await self._save()
        return done

    def _apply(self, move: Move, lanes: Sequence[str]) -> bool:
        if self._kept.alerts.get(move.key) != move.before:
            return False
        if move.after is None:
            self._kept.alerts.pop(move.key, None)
        else:
            self._kept.alerts[move.key] = move.after
        if move.notice is not None:
            self._kept.told = [move.notice, *self._kept.told][:REMEMBERED]
            for lane in lanes:
                self._put(self._lane(lane), move.notice)
        return True

    def _put(self, lane: Lane, notice: Notice) -> None:
        lane.since = lane.since if lane.queue else self._clock()
        lane.queue = [*lane.queue, notice]
        too_many = max(0, len(lane.queue) - MOST_WAITING)
        if too_many:
            lane.queue = lane.queue[too_many:]
            lane.report = replace(lane.report, dropped=lane.report.dropped + too_many)

    async def take(self, lane: str, who: str, seconds: float, group: float) -> Message | None:
        kept, now = self._lane(lane), self._clock()
        if lane in self._sending:
            return None
        if kept.message is None:
            if kept.queue and now - kept.since >= group:
                kept.message = Message(secrets.token_hex(16), now, kept.queue[:MOST_TOGETHER])
                kept.queue = kept.queue[MOST_TOGETHER:]
            elif kept.parts:
                together = kept.parts[: kept.most]
                kept.message = Message(secrets.token_hex(16), now, together, refusals=REFUSALS - 1)
                kept.parts = kept.parts[kept.most :]
            elif kept.aside and kept.rests <= now:
                together, others_arrived = kept.aside[: kept.most], kept.report.delivered > kept.report.failed
                kept.message = Message(secrets.token_hex(16), now, together, refusals=REFUSALS - 1 + others_arrived)
                kept.aside = kept.aside[kept.most :]
            else:
                return None
            kept.due = 0.0
            await self._save()
        if kept.due > now:
            return None
        self._sending.add(lane)
        return kept.message

    async def end(self, lane: str, who: str, message: Message, outcome: Outcome, wait: float, why: str) -> bool:
        kept, now = self._lane(lane), self._clock()
        self._sending.discard(lane)
        if kept.message is None or kept.message.id != message.id:
            return False
        report = kept.report
        if outcome in ("failed", "refused", "parted", "aside"):
            kept.report = replace(report, failed=now, failures=report.failures + 1, why=why)
        if outcome in ("failed", "refused"):
            refusals = kept.message.refusals + (outcome == "refused")
            kept.message = replace(kept.message, attempts=kept.message.attempts + 1, refusals=refusals)
            kept.due = now + wait
        elif outcome == "parted":
            self._part(kept, message)
        elif outcome == "aside":
            self._put_aside(kept, message)
            kept.rests = now + wait
        elif outcome == "dropped":
            kept.report = replace(report, dropped=report.dropped + len(message.notices), dropped_why=why)
        else:
            kept.report = replace(report, delivered=now, failures=0)
        if outcome in ("delivered", "dropped"):
            kept.message, kept.most = None, min(2 * kept.most, MOST_TOGETHER)
        await self._save()
        return True

    def _part(self, lane: Lane, message: Message) -> None:
        parts = [*message.notices, *lane.parts]
        lane.message, lane.parts, lane.most = None, parts[:MOST_WAITING], max(1, len(message.notices) // 2)
        too_many = len(parts) - len(lane.parts)
        lane.report = replace(lane.report, dropped=lane.report.dropped + too_many)

    def _put_aside(self, lane: Lane, message: Message) -> None:
        aside = [*lane.aside, *message.notices]
        lane.message, lane.aside, lane.most = None, aside[-MOST_WAITING:], 1
        lane.report = replace(lane.report, dropped=lane.report.dropped + len(aside) - len(lane.aside))

    async def told(self, count: int) -> list[Notice]:
        return self._kept.told[:count]

    async def lanes(self, names: Iterable[str]) -> dict[str, LaneReport]:
        found = {}
        for name in names:
            lane = self._kept.lanes.get(name, Lane())
            under_way = lane.message.notices if lane.message else ()
            waiting = sum(map(len, (lane.queue, lane.parts, lane.aside, under_way)))
            found[name] = replace(lane.report, waiting=waiting)
        return found

    def _lane(self, name: str) -> Lane:
        return self._kept.lanes.setdefault(name, Lane())

    async def _save(self) -> None:
        """Not being able to is told, and no reason to tell nothing."""
        content = msgspec.msgpack.encode(self._kept)
        async with self._writing:
            try:
                await asyncio.to_thread(_write, self._path, content)
            except OSError as error:
                log.error("what was told cannot be written", extra={"why": error.strerror})


def _write(path: Path, content: bytes) -> None:
    with replacing(path, durable=True) as file:
        file.write(content)


def _read(path: Path) -> Kept:
    """Anew where there is none, or none that can be read."""
    try:
        return _decode(path.read_bytes())
    except FileNotFoundError:
        return Kept()
    except (OSError, msgspec.MsgspecError):
        log.warning("what was told before cannot be read")
        return Kept()
