"""What a simulation counts: totals as the ledger has them, and how requests fared. Nothing grows with their number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from msgspec import Struct

from router.core.cost.volume import quarter_of
from router.core.cost.volume_tracker import VolumeTracker
from router.core.histogram import QuantileSketch
from router.core.power.demand import NOTHING, Figures
from router.core.values import Cell, Row, Settlement

HOUR = 3600
_KEPT_HOURS = 26
_COLUMNS = (
    *("requests", "errors", "input", "cached", "output", "cost", "counterfactual"),
    *("eligible_tokens", "cloud_value", "captive", "captive_tokens", "captive_cost"),
)


class Exhausted(Struct):
    """A limit that refused requests, or kept them from the cloud."""

    name: str
    first: float
    """When, in seconds since the epoch."""
    requests: int = 0
    refused: int = 0


class Books:
    def __init__(self, volume: VolumeTracker) -> None:
        self.volume = volume
        self.hours: dict[int, dict[str, Figures]] = {}
        """By hour since the epoch and by model, as the demand of units is read from."""
        self.exhausted: dict[str, Exhausted] = {}
        self.refusals: Counter[str] = Counter()
        self.reasons: Counter[tuple[str, str]] = Counter()
        """Requests that were answered, by backend and reason."""
        self.requests = 0
        self.left = 0
        """Requests that went where they may not, by what decided, by their labels, or by what was in force."""
        self.waited = 0
        self.cut = 0
        self.guessed = 0
        """Requests whose length nobody recorded."""
        self.assumed_price = 0
        """Answers of a cloud that nobody knows to have the model, or its price."""
        self.waits = QuantileSketch()
        """Milliseconds, of those that waited."""
        self.first_bytes: dict[bool, QuantileSketch] = {True: QuantileSketch(), False: QuantileSketch()}
        """Milliseconds, of own backends and of others."""
        self.durations: dict[bool, QuantileSketch] = {True: QuantileSketch(), False: QuantileSketch()}
        self.by_hour: dict[int, list[int]] = {}
        """Answered by own backends, by others, refused, and nano-USD bought, by hour since the epoch."""
        self._cells: dict[Cell, list[int]] = {}

    def answer(self, backend: str, reason: str, at: float, own: bool, cost: int) -> None:
        self.reasons[backend, reason] += 1
        hour = self._hour(at)
        hour[0 if own else 1] += 1
        hour[3] += cost

    def refuse(self, code: str, at: float) -> None:
        self.refusals[code] += 1
        self._hour(at)[2] += 1

    def _hour(self, at: float) -> list[int]:
        number = int(at // HOUR)
        found = self.by_hour.get(number)
        if found is None:
            found = self.by_hour[number] = [0, 0, 0, 0]
        return found

    def settle(self, done: Settlement) -> None:
        """As the ledger counts it."""
        usage, cost = done.usage, done.cost
        tokens = usage.input + usage.output
        figures = self._cells.get(done.cell)
        if figures is None:
            figures = self._cells[done.cell] = [0] * len(_COLUMNS)
        figures[0] += 1
        figures[1] += done.error
        figures[2] += usage.input
        figures[3] += usage.cached
        figures[4] += usage.output
        figures[5] += cost
        figures[6] += done.counterfactual
        if done.eligible:
            value = done.counterfactual if done.local else cost
            figures[7] += tokens
            figures[8] += value
            self.volume.add(quarter_of(done.at), (usage.input - usage.cached, usage.cached, usage.output))
            self._see(done, tokens, value, 0)
        elif done.captive:
            figures[9] += 1
            figures[10] += tokens
            figures[11] += cost
            self._see(done, 0, 0, 1)

    def _see(self, done: Settlement, tokens: int, value: int, captive: int) -> None:
        hour = int(done.at // HOUR)
        models = self.hours.get(hour)
        if models is None:
            models = self.hours[hour] = {}
            for old in [each for each in self.hours if each < hour - _KEPT_HOURS]:
                del self.hours[old]
        before = models.get(done.cell.model, NOTHING)
        models[done.cell.model] = (before[0] + tokens, before[1] + value, before[2] + captive)

    def rows(self) -> list[Row]:
        return [Row(cell, **dict(zip(_COLUMNS, figures, strict=True))) for cell, figures in self._cells.items()]

    def last_day(self, now: float) -> Iterable[Row]:
        """Eligible tokens and their price in the last 24 hours, as rows of no cell."""
        hour = int(now // HOUR)
        nobody = Cell("", "", "", "", "")
        for each in range(hour - 23, hour + 1):
            for tokens, value, _ in self.hours.get(each, {}).values():
                yield Row(nobody, eligible_tokens=tokens, cloud_value=value)

    def ran_out(self, name: str, now: float, *, refused: bool) -> None:
        found = self.exhausted.get(name)
        if found is None:
            found = self.exhausted[name] = Exhausted(name, now)
        found.requests += 1
        found.refused += refused
