"""What own backends saved or lost: the one definition, from which every command, page, metric and file takes it.

    net = cloud alone - bought - rent

*Cloud alone* is what the cloud would have charged for everything that could have gone there: what it did charge, and
for each request that own backends served the price of its own cheapest permitted cloud route. *Bought* is what was paid
by the token: to the cloud, and the variable cost of own backends. *Rent* is what units cost by time, as the ledger has
it.

Requests that could not leave are no part of the first two, and are told by themselves, with what serving them cost.
Where nothing that own backends served has a cloud price there is none to compare with: that is None, and never 0.

Rent of time in which units worked is allocated to those whose tokens they served, by the shares of each day and
backend. All the other rent, idle, starting, stopping and rounded, belongs to nobody and is told by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import add

from msgspec import Struct
from msgspec.structs import astuple

from router.core.cost.rent import RentRow, RentState
from router.core.values import Cell, Row

Place = tuple[str, str]
"""A day and a backend."""


class Net(Struct, frozen=True):
    """Nano-USD."""

    cloud_alone: int | None = 0
    """None where there is no cloud price to compare with."""
    bought: int = 0
    rent: int = 0

    @property
    def not_bought(self) -> int | None:
        """What own backends spared of the cloud's bill."""
        return None if self.cloud_alone is None else self.cloud_alone - self.bought

    @property
    def net(self) -> int | None:
        """Above zero it was saved, below it lost."""
        return None if self.not_bought is None else self.not_bought - self.rent


class Captive(Struct, frozen=True):
    """Requests that could not leave, and what serving them cost, in nano-USD."""

    requests: int = 0
    tokens: int = 0
    cost: int = 0
    """Their variable cost."""
    rent: int = 0
    """Their share of the rent of units that worked. It is a part of `Net.rent`."""


def net_of(rows: Iterable[Row], owned: frozenset[str], rent: int = 0) -> Net:
    """Of these rows together, with `rent` as theirs."""
    alone = bought = 0
    compared = unknown = False
    for row in rows:
        own = row.cell.zone in owned
        alone += row.counterfactual if own else row.cost
        bought += row.cost - row.captive_cost
        compared = compared or not own or row.counterfactual > 0 or row.eligible_tokens > 0
        unknown = unknown or row.input + row.output > row.eligible_tokens + row.captive_tokens
    return Net(None if unknown and not compared else alone, bought, rent)


class Account(Struct, frozen=True):
    """Some days: the rows that are asked for, and what else it takes to give them their share of the rent.

    There may be thousands of rows a day: only `by` looks at each of them where all are asked for."""

    days: Sequence[str]
    rows: Sequence[Sequence[Row]]
    """Of each day, with their backends."""
    everything: Sequence[Sequence[Row]]
    """Of each day, all rows by backend; the same as `rows` where these are that."""
    rent: Sequence[RentRow]
    """Of these days."""
    owned: frozenset[str]
    whole: bool = False
    """Nothing was left out of `rows`, though they are others than `everything`."""

    @property
    def complete(self) -> bool:
        """Whether nothing was left out: then all rent is told, else the share of what is there."""
        return self.whole or self.rows is self.everything

    @property
    def fewest(self) -> Sequence[Sequence[Row]]:
        """Of each day, the rows that come to the same as those that are asked for, by backend at least."""
        return self.everything if self.complete else self.rows

    def total(self) -> Net:
        rows = [row for day in self.fewest for row in day]
        return net_of(rows, self.owned, sum(row.nano_usd for row in self.rent) if self.complete else self.used())

    def used(self) -> int:
        """The rent of time in which units worked for these rows."""
        return sum(self._allocated(self.fewest, _tokens).values())

    def unused(self) -> int:
        """All other rent: it belongs to nobody."""
        return sum(row.nano_usd for row in self.rent) - sum(self._allocated(self.everything, _tokens).values())

    def by(self, name_of: Callable[[Row], str]) -> dict[str, Net]:
        """By whatever names rows, each with its share of the rent of units that worked."""
        groups = self.groups().by(name_of)
        return {name: net_of(rows, self.owned, rent) for name, (rows, rent) in groups.items()}

    def groups(self) -> Groups:
        """Its rows, added up over all days."""
        groups = Groups(self.worked(), self.served())
        for day, rows in zip(self.days, self.rows, strict=True):
            groups.add(day, rows)
        return groups

    def daily(self) -> list[Net]:
        """Each day by itself; a sum of days is their total, give or take a nano-USD of shared rent."""
        rents = dict.fromkeys(self.days, 0)
        if self.complete:
            for row in self.rent:
                rents[row.day] = rents.get(row.day, 0) + row.nano_usd
        else:
            for (day, _), nano in self._allocated(self.rows, _tokens).items():
                rents[day] += nano
        return [net_of(rows, self.owned, rents[day]) for day, rows in zip(self.days, self.fewest, strict=True)]

    def captive(self) -> Captive:
        rows = [row for day in self.fewest for row in day]
        return Captive(
            sum(row.captive for row in rows),
            sum(row.captive_tokens for row in rows),
            sum(row.captive_cost for row in rows),
            sum(self._allocated(self.fewest, _captive_tokens).values()),
        )

    def rent_by_state(self) -> Mapping[RentState, int]:
        found: dict[RentState, int] = {}
        for row in self.rent:
            found[row.state] = found.get(row.state, 0) + row.nano_usd
        return found

    def _allocated(self, daily: Sequence[Sequence[Row]], tokens_of: Callable[[Row], int]) -> dict[Place, int]:
        """Of the rent of units that worked, at each place."""
        parts, wholes = self._at(daily, tokens_of), self._at(self.everything, _tokens)
        return {
            place: share_of(rent, parts.get(place, 0), wholes.get(place, 0))
            for place, rent in self.worked().items()
            if place in parts
        }

    def worked(self) -> dict[Place, int]:
        """The rent of units that worked, at each place."""
        worked: dict[Place, int] = {}
        for row in self.rent:
            if row.state is RentState.BUSY:
                worked[row.day, row.backend] = worked.get((row.day, row.backend), 0) + row.nano_usd
        return worked

    def served(self) -> dict[Place, int]:
        """All tokens, at each place."""
        return self._at(self.everything, _tokens)

    def _at(self, daily: Sequence[Sequence[Row]], tokens_of: Callable[[Row], int]) -> dict[Place, int]:
        found: dict[Place, int] = {}
        for day, rows in zip(self.days, daily, strict=True):
            for row in rows:
                place = day, row.cell.backend
                found[place] = found.get(place, 0) + tokens_of(row)
        return found


class Groups:
    """Rows of an account, that come day by day and need not be kept: thousands of keys over a year are a million rows.

    What is added up is told apart by cell, and grouped in the end."""

    def __init__(self, worked: Mapping[Place, int], served: Mapping[Place, int]) -> None:
        """As `Account` has them, of these days at least."""
        self._worked, self._served = worked, served
        self._sums: dict[Cell, list[int]] = {}
        self._rents: dict[Cell, int] = {}

    def add(self, day: str, rows: Iterable[Row]) -> None:
        sums, rents = self._sums, self._rents
        for row in rows:
            cell, *figures = astuple(row)
            known = sums.get(cell)
            sums[cell] = figures if known is None else list(map(add, known, figures))
            place = day, cell.backend
            rent = self._worked.get(place)
            if rent is not None:
                rents[cell] = rents.get(cell, 0) + share_of(rent, _tokens(row), self._served.get(place, 0))

    def add_all(self, other: Groups) -> None:
        """Of other days."""
        for cell, figures in other._sums.items():
            known = self._sums.get(cell)
            self._sums[cell] = figures if known is None else list(map(add, known, figures))
        for cell, rent in other._rents.items():
            self._rents[cell] = self._rents.get(cell, 0) + rent

    def by(self, name_of: Callable[[Row], str]) -> dict[str, tuple[list[Row], int]]:
        """Rows of each name, one for each cell, and its share of the rent of units that worked."""
        rows: dict[str, list[Row]] = {}
        rents: dict[str, int] = {}
        for cell, figures in self._sums.items():
            row = Row(cell, *figures)
            name = name_of(row)
            rows.setdefault(name, []).append(row)
            rents[name] = rents.get(name, 0) + self._rents.get(cell, 0)
        return {name: (rows[name], rent) for name, rent in rents.items()}


def _tokens(row: Row) -> int:
    return row.input + row.output


def _captive_tokens(row: Row) -> int:
    return row.captive_tokens


def share_of(amount: int, part: int, whole: int) -> int:
    """Of an amount, `part` of `whole`, rounded to the next unit; nothing of nothing."""
    return (2 * amount * part + whole) // (2 * whole) if whole > 0 else 0
