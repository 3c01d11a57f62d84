"""Demand by slots of five minutes: recorded traffic, generated weeks, and bursts made to hurt.

A demand has a shape only: its mean is brought to what a case asks for.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from random import Random
from statistics import fmean, pstdev

SLOT_SECONDS = 300
SLOTS_PER_HOUR = 12
SLOTS_PER_DAY = 24 * SLOTS_PER_HOUR
DAYS = 7
WEEK_SLOTS = DAYS * SLOTS_PER_DAY
_DATA = Path(__file__).with_name("data")


@dataclass(frozen=True)
class Demand:
    name: str
    input: tuple[float, ...]
    """Input tokens of each slot."""
    output: tuple[float, ...]


def variation(demand: Demand) -> float:
    """Standard deviation of the slots' tokens, as a share of their mean."""
    tokens = [sum(slot) for slot in zip(demand.input, demand.output, strict=True)]
    return pstdev(tokens) / fmean(tokens)


def recorded() -> list[Demand]:
    """Each repeated until a week is full."""
    return [_week("azure-hour"), _week("servegen-day")]


def _week(name: str) -> Demand:
    with (_DATA / f"{name}.csv").open() as file:
        rows = [(float(row["input_tokens"]), float(row["output_tokens"])) for row in csv.DictReader(file)]
    rows = [row for each in repeat(rows, math.ceil(WEEK_SLOTS / len(rows))) for row in each][:WEEK_SLOTS]
    return Demand(name, tuple(row[0] for row in rows), tuple(row[1] for row in rows))


@dataclass(frozen=True)
class Roughness:
    """Most that a week's draws may be."""

    swing: float
    """Of the hours of a day: e to twice this is how often the quietest goes into the busiest."""
    flow: float
    """Of what comes and goes within hours, in the logarithm."""
    noise: float
    """From slot to slot, as a share."""
    batches: int
    """A week."""
    height: float
    """Of a batch, in means of the week."""


USUAL = Roughness(swing=1.4, flow=0.5, noise=0.5, batches=6, height=6.0)
ROUGH = Roughness(swing=2.5, flow=0.9, noise=0.7, batches=15, height=15.0)


def generated(seed: int, most: Roughness = USUAL) -> Demand:
    """A week of one organisation, drawn from what such traffic varies in.

    Working hours and weekends that weigh much or little, an ebb and flow with a memory of half an hour to eight hours,
    noise from slot to slot, and batches: some hours with more than usual.
    """
    draw = Random(seed)
    swing, peak, weekend = draw.uniform(0.2, most.swing), draw.uniform(10, 16), draw.uniform(0.2, 1.0)
    flow, memory, noise = draw.uniform(0.1, most.flow), draw.uniform(0.5, 8.0), draw.uniform(most.noise**-2, 40)
    batches = [_batch(draw, most.height) for _ in range(draw.randint(0, most.batches))]
    kept = math.exp(-1 / (memory * SLOTS_PER_HOUR))
    tide, shape = draw.gauss(0, flow), []
    for slot in range(WEEK_SLOTS):
        tide = kept * tide + math.sqrt(1 - kept * kept) * draw.gauss(0, flow)
        clock = swing * (math.cos((slot / SLOTS_PER_HOUR - peak) * math.pi / 12) - 1)
        day = weekend if slot // SLOTS_PER_DAY >= 5 else 1.0
        shape.append(day * math.exp(clock + tide) * draw.gammavariate(noise, 1 / noise))
    usual = sum(shape) / WEEK_SLOTS
    for first, length, times in batches:
        for slot in range(first, min(first + length, WEEK_SLOTS)):
            shape[slot] += usual * times
    inputs = draw.uniform(0.6, 0.9)
    shares = [min(0.98, max(0.02, inputs + draw.gauss(0, 0.03))) for _ in shape]
    return Demand(
        f"week {seed}",
        tuple(tokens * share for tokens, share in zip(shape, shares, strict=True)),
        tuple(tokens * (1 - share) for tokens, share in zip(shape, shares, strict=True)),
    )


def _batch(draw: Random, height: float) -> tuple[int, int, float]:
    """First slot, slots, and how many times the usual."""
    return draw.randrange(WEEK_SLOTS), round(_between(draw, 3, 48)), draw.uniform(1, height)


def bursts(seed: int) -> Demand:
    """A day that is quiet but for bursts, in units of what the rent of a slot buys in the cloud.

    They come in a rhythm which fits no memory, from regular to wild, since what comes regularly just after a unit was
    stopped is what hurts. Most are of a height that one unit can serve: what goes beyond that is paid for by everybody.
    """
    draw = Random(seed)
    height, length, gap = (_between(draw, 1, most) for most in (10, 36, 144))
    wild = draw.choice((0.0, 0.3, 1.0))
    shape, slot = [0.0] * SLOTS_PER_DAY, draw.randrange(SLOTS_PER_HOUR)
    while slot < SLOTS_PER_DAY:
        this, end = min(10.0, _about(draw, height, wild)), slot + max(1, round(_about(draw, length, wild)))
        shape[slot:end] = [this] * (min(end, SLOTS_PER_DAY) - slot)
        slot = end + max(1, round(_about(draw, gap, wild)))
    return Demand(f"bursts {seed}", tuple(0.75 * each for each in shape), tuple(0.25 * each for each in shape))


def _between(draw: Random, least: float, most: float) -> float:
    return math.exp(draw.uniform(math.log(least), math.log(most)))


def _about(draw: Random, value: float, wild: float) -> float:
    return value * math.exp(draw.gauss(0, wild))
