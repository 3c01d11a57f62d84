"""What a simulation says in the end: named figures, of which every output and every limit is made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from router.core.cost.net import net_of
from router.core.histogram import QuantileSketch, merged
from router.core.money import in_usd
from router.core.values import Row
from router.simulate.books import HOUR, Books, Exhausted
from router.simulate.simulation import Simulation
from router.simulate.slots import least_of_units

SPILL = "spill"
SHARES = (0.5, 0.95, 0.99)

FIGURES: Mapping[str, str] = {
    "usd": "bought and rent together, US dollars",
    "usd_cloud": "bought from cloud backends",
    "usd_own_tokens": "variable cost of own backends' tokens",
    "usd_rent": "what units cost by time",
    "usd_cloud_alone": "what the cloud would have charged for all answered that could go there; null without a price",
    "usd_saved": "usd_cloud_alone less what was paid in its place; below 0 it was lost",
    "usd_hindsight": "the least that it could have cost, known beforehand; null where no own backend is switched",
    "hours": "hours that the traffic lasts",
    "hours_on": "hours of units that were starting, on or stopping",
    "starts": "starts of units",
    "requests": "requests of the traffic",
    "own_requests": "answered by own backends",
    "cloud_requests": "answered by cloud backends",
    "own_tokens": "input and output of these, tokens",
    "cloud_tokens": "input and output of these, tokens",
    "refused": "requests that got no answer, for whatever reason",
    "spilled": "went to the other side, since the preferred one was full",
    "waited": "waited for room or for a start, and were answered",
    "cut": "still ran when units were stopped; a part of refused",
    "restricted": "requests that could not leave",
    "restricted_left": "left, or went elsewhere, where they may not: by this policy, or by what was in force",
    "guessed": "of unknown length, since nothing was sent when they were recorded: as long as their estimates",
    "assumed_price": "answered at an assumed price, that of the provider's dearest model: a pattern took them",
    "over_budget": "refused, or kept from the cloud, by a limit",
    "wait_p50": "seconds of those that waited",
    "wait_p95": "seconds of those that waited",
    "wait_p99": "seconds of those that waited",
    **{
        f"{side}{what}_p{share:.0f}": f"seconds from arrival until the answer {end}, of {of}"
        for side, of in (("", "all"), ("own_", "own backends"), ("cloud_", "cloud backends"))
        for what, end in (("first_byte", "began"), ("latency", "ended"))
        for share in (50, 95, 99)
    },
}
"""By name, what each is."""

Figure = int | float | None


class Hour(Struct, frozen=True):
    at: float
    """When it begins, in seconds since the epoch."""
    own: int
    """Requests that own backends answered of those that came in it."""
    cloud: int
    refused: int
    usd_bought: float
    usd_rent: float


class Outcome(Struct, frozen=True):
    """Everything about one simulation that is told."""

    policy: str
    """Its file."""
    version: str
    begin: float
    end: float
    figures: Mapping[str, Figure]
    backends: Mapping[str, Mapping[str, Figure]]
    """By backend: requests, tokens, usd, rent, hours_on, starts."""
    refusals: Mapping[str, int]
    """By code."""
    reasons: Mapping[str, Mapping[str, int]]
    """By backend and reason."""
    exhausted: tuple[Exhausted, ...]
    """Limits that ran out, in the order in which they did."""
    unknown: Mapping[str, Mapping[str, int]]
    """Names of models, keys and levels that the policy does not have, with how many requests had them."""
    curve: tuple[Hour, ...]
    """Of every hour."""
    warnings: tuple[str, ...] = ()
    """What nobody may overlook, as sentences without a full stop."""
    other_versions: Mapping[str, int] = {}
    """Versions of policies that were not given, with how many requests they decided when these were recorded."""


def outcome_of(done: Simulation, policy: str) -> Outcome:
    books, rows = done.books, done.books.rows()
    owned = frozenset([name for name, zone in done.plan.policy.zones.items() if zone.owned])
    own, cloud = [row for row in rows if row.cell.zone in owned], [row for row in rows if row.cell.zone not in owned]
    rent = sum(meter.nano for meter in done.meters.values())
    net = net_of(rows, owned, rent)
    figures: dict[str, Figure] = {
        "usd": in_usd(sum(row.cost for row in rows) + rent),
        "usd_cloud": in_usd(sum(row.cost for row in cloud)),
        "usd_own_tokens": in_usd(sum(row.cost for row in own)),
        "usd_rent": in_usd(rent),
        "usd_cloud_alone": None if net.cloud_alone is None else in_usd(net.cloud_alone),
        "usd_saved": None if net.net is None else in_usd(net.net),
        "usd_hindsight": _hindsight(done, rows, rent),
        "hours": (done.end - done.begin) / 3600,
        "hours_on": sum(meter.hours_on for meter in done.meters.values()),
        "starts": sum(units.starts for units in done.units.values()),
        "requests": books.requests,
        "own_requests": sum(row.requests for row in own),
        "cloud_requests": sum(row.requests for row in cloud),
        "own_tokens": sum(row.input + row.output for row in own),
        "cloud_tokens": sum(row.input + row.output for row in cloud),
        "refused": books.refusals.total(),
        "spilled": sum(count for (_, reason), count in books.reasons.items() if reason == SPILL),
        "waited": books.waited,
        "cut": books.cut,
        "restricted": sum(row.captive for row in rows),
        "restricted_left": books.left,
        "guessed": books.guessed,
        "assumed_price": books.assumed_price,
        "over_budget": sum(each.requests for each in books.exhausted.values()),
    }
    figures |= _seconds("wait", books.waits)
    for side, of in (("", (True, False)), ("own_", (True,)), ("cloud_", (False,))):
        figures |= _seconds(f"{side}first_byte", merged(books.first_bytes[each] for each in of))
        figures |= _seconds(f"{side}latency", merged(books.durations[each] for each in of))
    return Outcome(
        policy=policy,
        version=done.plan.version,
        begin=done.begin,
        end=done.end,
        figures={name: figures[name] for name in FIGURES},
        backends={name: _backend(done, name, rows) for name in done.backends},
        refusals=dict(books.refusals.most_common()),
        reasons=_reasons(done),
        exhausted=tuple(sorted(books.exhausted.values(), key=lambda each: each.first)),
        curve=tuple(_curve(done)),
        warnings=tuple(_warnings(books)),
        other_versions=dict(done.making.versions.most_common()),
        unknown={what: dict(names.most_common()) for what, names in done.making.unknown.items() if names},
    )


def _warnings(books: Books) -> Iterator[str]:
    if books.left:
        yield f"{books.left:,} {'request' if books.left == 1 else 'requests'} that may not leave would leave"


def _curve(done: Simulation) -> Iterator[Hour]:
    nothing = [0, 0, 0, 0]
    for hour in range(int(done.begin // HOUR), int(done.end // HOUR) + 1):
        own, cloud, refused, bought = done.books.by_hour.get(hour, nothing)
        rent = sum(meter.by_hour.get(hour, 0) for meter in done.meters.values())
        yield Hour(hour * HOUR, own, cloud, refused, in_usd(bought), in_usd(rent))


def _seconds(name: str, sketch: QuantileSketch) -> dict[str, Figure]:
    found = sketch.quantiles(SHARES) if sketch.count else [None] * len(SHARES)
    return {
        f"{name}_p{100 * share:.0f}": None if each is None else each / 1000
        for share, each in zip(SHARES, found, strict=True)
    }


def _hindsight(done: Simulation, rows: list[Row], rent: int) -> float | None:
    """With one own backend that is switched: what goes beyond eligible traffic costs what it cost."""
    switched = [each for each in done.units.values() if each.saves_rent]
    if len(switched) != 1 or len(done.meters) != 1 or not done.slots.tokens:
        return None
    units = switched[0]
    beside = sum(row.cost for row in rows if not row.eligible_tokens)
    least = in_usd(beside) + least_of_units(done.slots, units.terms, units.start_seconds)
    # Hindsight moves in whole slots: what was done is a way to do it, too.
    return min(least, in_usd(sum(row.cost for row in rows) + rent))


def _backend(done: Simulation, name: str, rows: list[Row]) -> dict[str, Figure]:
    own = [row for row in rows if row.cell.backend == name]
    meter, units = done.meters.get(name), done.units.get(name)
    return {
        "requests": sum(row.requests for row in own),
        "input_tokens": sum(row.input for row in own),
        "output_tokens": sum(row.output for row in own),
        "usd": in_usd(sum(row.cost for row in own)),
        "usd_rent": None if meter is None else in_usd(meter.nano),
        "hours_on": None if meter is None else meter.hours_on,
        "starts": None if units is None else units.starts,
    }


def _reasons(done: Simulation) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for (backend, reason), count in done.books.reasons.most_common():
        found.setdefault(backend, {})[reason] = count
    return found
