"""A pure model of the ledger on its server: what it says after any history, lost writes and restarts included.

`MemoryLedger` states the rules while all goes well. Here stands what is true besides: what a worker has settled is in
its journal and is never lost; holds and charges are on the server alone, and a worker that runs knows its own holds.
"""

from __future__ import annotations

import asyncio
from collections import Counter as Tally
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass

from support.memory_ledger import MemoryLedger

from router.core.limits.counters import Admission, CounterSet, Hold
from router.core.limits.counting import Kept
from router.core.values import Cell, Settlement
from router.ledger.client.batch import Held
from router.ledger.record import Kind, Record, batch_blob, pack_record, unpack_records

Counters = dict[tuple[str, str], tuple[int, int, int]]


@dataclass(frozen=True)
class Copy:
    """What a server had at one moment, and how much had been journaled until then."""

    holds: dict[str, Held]
    charged: dict[str, Held]
    counters: dict[tuple[str, str], Kept]
    totals: dict[tuple[str, Cell], Tally[str]]
    records: list[Record]
    journaled: int


@dataclass(frozen=True)
class Entry:
    """One record in a journal. `settlement` is None for one that only notes something."""

    record: Record
    settlement: Settlement | None = None
    counters: CounterSet | None = None
    unheld: int = 0


class Model(MemoryLedger):
    """Counters of minutes are the exception: what is brought in from a journal is not counted in them again."""

    journal: list[Entry]
    charges: dict[tuple[str, str], int]
    """What workers were lent that are gone, with their journals, by counter: it counts as used where that is asked."""

    def reserve(self, hold: Hold) -> asyncio.Future[Admission]:
        with self._charged_to(hold.counters):
            return super().reserve(hold)

    @contextmanager
    def _charged_to(self, counters: CounterSet) -> Iterator[None]:
        kept = [(self.counting.of(each), self.charges.get((each.key, each.field), 0)) for each in counters.all]
        for each, charge in kept:
            each.used += charge
        yield
        for each, charge in kept:
            each.used -= charge

    def lose(self, id: str) -> Held:
        """The server never hears of this hold, unless the journal that has it is found."""
        held = self.holds.pop(id)
        self.counting.hold(held.hold, held.sides, -1)
        return held

    def find(self, held: Held) -> None:
        self.holds[held.hold.id] = held
        self.counting.hold(held.hold, held.sides)

    def settle(self, settlement: Settlement) -> None:
        self.write_down(settlement, self.counters_of(settlement.id))
        super().settle(settlement)

    def record(self, settlement: Settlement, counters: CounterSet) -> None:
        self.write_down(settlement, counters, unheld=1)
        super().record(settlement, counters)

    def attempt(self, settlement: Settlement, counters: CounterSet) -> None:
        self.write_down(settlement, counters, kind="attempt")
        super().attempt(settlement, counters)

    def note(self, record: bytes) -> None:
        self.journal.append(Entry(*unpack_records(batch_blob([record]))))
        super().note(record)

    def write_down(
        self, settlement: Settlement, counters: CounterSet, unheld: int = 0, kind: Kind = "settled"
    ) -> Entry:
        [record] = unpack_records(batch_blob([pack_record(settlement, "unheld" if unheld else kind)]))
        self.journal.append(Entry(record, settlement, counters, unheld))
        return self.journal[-1]

    def counters_of(self, id: str) -> CounterSet:
        return (self.holds.get(id) or self._charged[id]).hold.counters

    def bring(self, entry: Entry) -> None:
        """A record that the server lacks, from a journal."""
        if entry.settlement is not None and entry.counters is not None:
            self._lift(entry.settlement.id)
            self._count(entry.settlement, entry.counters)
            if entry.unheld:
                self._totals_at(entry.settlement.at, entry.settlement.cell).update(unheld=1)
        self.records.append(entry.record)

    def copy(self) -> Copy:
        return Copy(
            dict(self.holds),
            dict(self._charged),
            {name: copy(counter) for name, counter in self.counters.items()},
            {place: Tally(totals) for place, totals in self._totals.items()},
            list(self.records),
            len(self.journal),
        )

    def restore(self, kept: Copy, running: Collection[Held], processes: Collection[str]) -> None:
        """The server has only this copy left, and workers have brought it up to date.

        `running` are the holds of all workers that run; `processes` what the ids of each have in common.
        """
        self.holds, self._charged, self.records = dict(kept.holds), dict(kept.charged), list(kept.records)
        self.counters.clear()
        self.counters.update({name: copy(counter) for name, counter in kept.counters.items()})
        self._totals = {place: Tally(totals) for place, totals in kept.totals.items()}
        for entry in self.journal[kept.journaled :]:
            self.bring(entry)
        wanted = {held.hold.id: held for held in running}
        for id in [id for id in (*self.holds, *self._charged) if id[8:18] in processes and id not in wanted]:
            self._lift(id)  # it has ended: what was settled is in a journal, and of the rest nothing is charged
        for id, held in wanted.items():
            if id not in self.holds and id not in self._charged:
                self.holds[id] = held
                self.counting.hold(held.hold, held.sides)

    def all_rows(self) -> dict[tuple[str, Cell], dict[str, int]]:
        """Totals by day and cell, zeros left out."""
        return {
            place: figures
            for place, totals in self._totals.items()
            if (figures := {name: number for name, number in totals.items() if number})
        }

    def all_counters(self) -> Counters:
        return {name: (c.used, c.held, c.risk) for name, c in self.counters.items() if c.used or c.held or c.risk}

    def eligible(self) -> dict[int, tuple[int, int, int]]:
        """Eligible tokens by quarter of an hour: uncached input, cached input, output."""
        volume: Tally[tuple[int, int]] = Tally()
        for record in self.records:
            if record.eligible and record.kind != "refused":
                sign = -1 if record.kind == "lifted" else 1
                tokens = record.input - record.cached, record.cached, record.output
                for column, number in enumerate(tokens):
                    volume[int(record.at // 900), column] += sign * number
        quarters = {quarter for quarter, _ in volume}
        sums = {q: (volume[q, 0], volume[q, 1], volume[q, 2]) for q in quarters}
        return {quarter: tokens for quarter, tokens in sums.items() if any(tokens)}


def empty_model(**options) -> Model:
    model = Model(**options)
    model.journal, model.charges = [], {}
    return model


EMPTY = Copy({}, {}, {}, {}, [], 0)
