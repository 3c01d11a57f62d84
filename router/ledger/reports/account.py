"""What some days came to, as an account: rows, the rent of these days, and what else its shares take."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from router.core.cost.net import Account
from router.core.policy import Policy
from router.ledger.reports.periods import days_before
from router.ledger.reports.totals import Report
from router.ledger.reports.totals_by_dimension import Dimension, Look, Tally

EVERYTHING = Look(("backend",), names=False)
"""What shares are taken of."""


async def add_up(report: Report, days: Sequence[str], looks: Sequence[Look], today: str) -> None:
    """What accounts and groups by these looks take of days that are over, in one pass over their cells. Raises
    `LedgerUnavailable`."""
    await report.add_up([EVERYTHING, *map(with_backends, looks)], days_before(today, days))


def with_backends(look: Look) -> Look:
    """The same rows, told apart by their backends too: rent is shared at each of them."""
    by: tuple[Dimension, ...] = look.by if "backend" in look.by else (*look.by, "backend")
    return replace(look, by=by)


async def read_account(
    report: Report, days: Sequence[str], look: Look, today: str, owned: frozenset[str]
) -> tuple[Account, list[Tally]]:
    """Of days (YYYY-MM-DD), and each day's totals. `owned`: see `owned_zones`. Raises `LedgerUnavailable`."""
    tallies = await report.days_by(with_backends(look), days, today)
    rows = [tally.rows for tally in tallies]
    everything = rows
    if look.wanted or not {"backend", "zone"}.issuperset(look.by):
        whole = await report.days_by(EVERYTHING, days, today)
        everything = [tally.rows for tally in whole]
    return Account(days, rows, everything, await report.rent(days), owned, whole=not look.wanted), tallies


def part_of(account: Account, first: str, last: str) -> Account:
    """Some of its days, both included."""
    numbers = [number for number, day in enumerate(account.days) if first <= day <= last]
    rows = [account.rows[number] for number in numbers]
    everything = [account.everything[number] for number in numbers]
    rent = [row for row in account.rent if first <= row.day <= last]
    days = [account.days[number] for number in numbers]
    return Account(days, rows, everything, rent, account.owned, whole=account.complete)


async def owned_zones(report: Report, policy: Policy | None = None) -> frozenset[str]:
    """Zones whose tokens are not bought: by the policy, and of those that it names no more by the ledger, which knows
    what they were. Raises `LedgerUnavailable`."""
    known = await report.owned_zones()
    if policy is None:
        return known
    named = policy.zones
    return frozenset(name for name, zone in named.items() if zone.owned) | (known - named.keys())
