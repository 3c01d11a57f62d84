"""The weeks through `breakeven simulate`: the same loop, the same rules and the same accounts as of the command.

A slot is one request, or two where one unit cannot serve all of it: the second comes while the unit is full, and goes
to the cloud. Demand is looked at once a slot, and a unit works for a moment on what is its; all else is as the command
has it. `in_pieces` plays the same as the gateway looks at it, every minute, with requests all the time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from router.config.load import plan_of
from router.core.power.demand import DEMAND_SECONDS
from router.core.values import Plan
from router.simulate.figures import outcome_of
from router.simulate.requests import RecordedRequest
from router.simulate.shape import Shape
from router.simulate.simulation import Simulation
from tests.economics.pairs import Pair, Slots
from tests.economics.traffic import SLOT_SECONDS

MONDAY = 1_767_571_200.0
"""A midnight, in UTC."""
SHAPES = {"gpu": Shape(speed=1e12, first_byte=1.0), "api": Shape(speed=1e12, first_byte=0.0)}
_PIECES = 6


@dataclass(frozen=True)
class Rental:
    start_seconds: float
    """From the order until the unit answers, billed."""
    billing: float
    """Seconds of a billing step, from the order on."""

    @property
    def name(self) -> str:
        return f"{self.start_seconds / 60:.0f} min, by the {'hour' if self.billing == 3600 else 'minute'}"


RENTALS = tuple(Rental(start, billing) for start in (300.0, 900.0) for billing in (60.0, 3600.0))


@dataclass(frozen=True)
class Played:
    usd: float
    """Rent and cloud together."""
    starts: int
    hours: float
    """Billed."""


POLICY = """\
version: 1
zones: {{local: {{owned: true}}, cloud: {{}}}}
backends:
  gpu:
    zone: local
    kind: vllm
    url: http://127.0.0.1:8000/v1
    serves: {{chat: own}}
    capacity: {{tokens_per_second: {capacity}, max_running: 1}}
    cost: {{usd_per_hour: {rent}, billing: {billing:.0f}s}}
{power}
  api:
    zone: cloud
    kind: openai
    url: https://api.example.com/v1
    serves: {{chat: {{model: other, price: {{input: {input}, output: {output}}}}}}}
models: {{chat: {{backends: [gpu, api]}}}}
cost: {{strategy: {strategy}}}
"""
POWER = """\
    power:
      driver: command
      start: {{run: ["true"]}}
      stop: {{run: ["true"]}}
      look: {{run: ["true"]}}
      start_time: {start:.0f}s
      start_timeout: {timeout:.0f}s
"""


@cache
def switched(pair: Pair, rental: Rental) -> Plan:
    """The defaults of a policy, with this pair's prices and capacity, and one unit that is switched."""
    power = POWER.format(start=rental.start_seconds, timeout=3 * rental.start_seconds)
    return _plan(pair, power, "local_first", rental.billing)


@cache
def always_on(pair: Pair, strategy: str) -> Plan:
    """The same with a unit that nobody switches."""
    return _plan(pair, "", strategy, 1.0)


def _plan(pair: Pair, power: str, strategy: str, billing: float) -> Plan:
    text = POLICY.format(
        capacity=pair.tokens_per_second,
        rent=pair.usd_per_hour,
        billing=billing,
        power=power,
        input=pair.input,
        output=pair.output,
        strategy=strategy,
    )
    return plan_of(text.encode(), "economics.yaml", now=datetime(2026, 11, 1, tzinfo=UTC))


def play(slots: Slots, pair: Pair, rental: Rental) -> Played:
    return played(slots, pair, switched(pair, rental))


def played(slots: Slots, pair: Pair, plan: Plan, look_seconds: float = SLOT_SECONDS, pieces: int = 1) -> Played:
    simulation = Simulation(plan, SHAPES, MONDAY, look_seconds=look_seconds)
    for request in _requests(slots, pair, pieces):
        simulation.take(request)
    simulation.time.until(MONDAY + len(slots.input) * SLOT_SECONDS)
    simulation.finish()
    figures = outcome_of(simulation, "").figures
    assert not figures["refused"]
    return Played(figures["usd"] or 0.0, int(figures["starts"] or 0), (figures["usd_rent"] or 0.0) / pair.usd_per_hour)


def in_pieces(slots: Slots, pair: Pair, rental: Rental) -> Played:
    """Each slot's tokens in several requests, and demand looked at as often as the gateway does it."""
    return played(slots, pair, switched(pair, rental), DEMAND_SECONDS, _PIECES)


def _requests(slots: Slots, pair: Pair, pieces: int) -> Iterator[RecordedRequest]:
    most = pair.tokens_per_second * SLOT_SECONDS
    for slot, (tokens_in, tokens_out) in enumerate(zip(slots.input, slots.output, strict=True)):
        fits = min(1.0, most / max(1, tokens_in + tokens_out))
        own = round(tokens_in * fits), round(tokens_out * fits)
        for piece in range(pieces):
            at = MONDAY + (slot + piece / pieces) * SLOT_SECONDS
            yield from _asked(at, *(_share(tokens, piece, pieces) for tokens in own))
            beyond = tokens_in - own[0], tokens_out - own[1]
            yield from _asked(at, *(_share(tokens, piece, pieces) for tokens in beyond))


def _share(tokens: int, piece: int, pieces: int) -> int:
    return tokens * (piece + 1) // pieces - tokens * piece // pieces


def _asked(at: float, tokens_in: int, tokens_out: int) -> Iterator[RecordedRequest]:
    if tokens_in or tokens_out:
        yield RecordedRequest(at=at, input=tokens_in, output=tokens_out)
