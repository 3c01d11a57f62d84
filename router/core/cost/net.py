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

from msgspec import Struct

from router.core.cost.rent import RentRow, RentState
from router.core.values import Row

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
    """Some days: the rows that are asked for, and what else it takes to give them their share of the rent."""

    days: Sequence[str]
    rows: Sequence[Sequence[Row]]
    """Of each day, with their backends."""
    everything: Sequence[Sequence[Row]]
    """Of each day, all rows by backend; the same as `rows` where nothing was left out."""
    rent: Sequence[RentRow]
    """Of these days."""
    owned: frozenset[str]

    @property
    def complete(self) -> bool:
        """Whether nothing was left out: then all rent is told, else the share of what is there."""
        return self.rows is self.everything

    def total(self) -> Net:
        rows = [row for day in self.rows for row in day]
        return net_of(rows, self.owned, sum(row.nano_usd for row in self.rent) if self.complete else self.used())

    def used(self) -> int:
        """The rent of time in which units worked for these rows."""
        return self._allocated(self.rows, _tokens)

    def unused(self) -> int:
        """All other rent: it belongs to nobody."""
        return sum(row.nano_usd for row in self.rent) - self._allocated(self.everything, _tokens)

    def by(self, name_of: Callable[[Row], str]) -> dict[str, Net]:
        """By whatever names rows, each with its share of the rent of units that worked."""
        groups: dict[str, list[list[Row]]] = {}
        for number, day in enumerate(self.rows):
            for row in day:
                groups.setdefault(name_of(row), [[] for _ in self.days])[number].append(row)
        return {
            name: net_of((row for day in daily for row in day), self.owned, self._allocated(daily, _tokens))
            for name, daily in groups.items()
        }

    def daily(self) -> list[Net]:
        """Each day by itself; a sum of days is their total, give or take a nano-USD of shared rent."""
        found = []
        for day, rows, everything in zip(self.days, self.rows, self.everything, strict=True):
            rent = [row for row in self.rent if row.day == day]
            one = [rows]
            found.append(Account([day], one, one if self.complete else [everything], rent, self.owned).total())
        return found

    def captive(self) -> Captive:
        rows = [row for day in self.rows for row in day]
        return Captive(
            sum(row.captive for row in rows),
            sum(row.captive_tokens for row in rows),
            sum(row.captive_cost for row in rows),
            self._allocated(self.rows, _captive_tokens),
        )

    def rent_by_state(self) -> Mapping[RentState, int]:
        found: dict[RentState, int] = {}
        for row in self.rent:
            found[row.state] = found.get(row.state, 0) + row.nano_usd
        return found

    def _allocated(self, daily: Sequence[Sequence[Row]], tokens_of: Callable[[Row], int]) -> int:
        parts, wholes = self._at(daily, tokens_of), self._at(self.everything, _tokens)
        worked: dict[Place, int] = {}
        for row in self.rent:
            if row.state is RentState.BUSY:
                worked[row.day, row.backend] = worked.get((row.day, row.backend), 0) + row.nano_usd
        return sum(share_of(rent, parts.get(place, 0), wholes.get(place, 0)) for place, rent in worked.items())

    def _at(self, daily: Sequence[Sequence[Row]], tokens_of: Callable[[Row], int]) -> dict[Place, int]:
        found: dict[Place, int] = {}
        for day, rows in zip(self.days, daily, strict=True):
            for row in rows:
                place = day, row.cell.backend
                found[place] = found.get(place, 0) + tokens_of(row)
        return found


def _tokens(row: Row) -> int:
    return row.input + row.output


def _captive_tokens(row: Row) -> int:
    return row.captive_tokens


def share_of(amount: int, part: int, whole: int) -> int:
    """Of an amount, `part` of `whole`, rounded to the next unit; nothing of nothing."""
    return (2 * amount * part + whole) // (2 * whole) if whole > 0 else 0
