"""GPUs and the cloud models that they stand in for: rent, what one unit can serve, and the cloud's prices."""

from __future__ import annotations

from dataclasses import dataclass

from tests.economics.traffic import SLOT_SECONDS, Demand


@dataclass(frozen=True)
class Pair:
    name: str
    usd_per_hour: float
    usd_per_million_at_full_load: float
    """Rent divided by what a unit serves when busy."""
    input: float
    """USD per million tokens in the cloud."""
    output: float

    @property
    def tokens_per_second(self) -> float:
        return self.usd_per_hour / 3600 / self.usd_per_million_at_full_load * 1e6


PAIRS = (
    Pair("L40S with 8B, gpt-4o-mini", 1.09, 0.039, 0.15, 0.60),
    Pair("L40S with 8B, 8B by API", 0.79, 0.039, 0.20, 0.20),
    Pair("A100 with 70B, 70B by API", 1.59, 0.245, 0.72, 0.72),
    Pair("A100 with 70B, 70B by a cheaper API", 1.39, 0.245, 0.60, 0.60),
    Pair("H100 with Mistral Large, the same by API", 2.69, 0.78, 2.00, 2.00),
    Pair("2 x H100 with 70B, gpt-4o", 7.00, 0.39, 2.50, 10.00),
)


@dataclass(frozen=True)
class Slots:
    """What a pair makes of a demand."""

    input: list[int]
    """Tokens."""
    output: list[int]
    cloud: list[float]
    """USD that the cloud charges for all of a slot."""
    spilled: list[float]
    """USD that it charges for what one unit cannot serve of it."""


def at_load(demand: Demand, pair: Pair, load: float) -> Slots:
    """At load 1 all tokens together cost in the cloud what a unit costs that is always on."""
    cost = sum(
        _usd(pair, tokens_in, tokens_out) for tokens_in, tokens_out in zip(demand.input, demand.output, strict=True)
    )
    return slots(demand, pair, load * len(demand.input) * rent_of_slot(pair) / cost)


def slots(demand: Demand, pair: Pair, times: float) -> Slots:
    tokens_in = [round(times * tokens) for tokens in demand.input]
    tokens_out = [round(times * tokens) for tokens in demand.output]
    cloud = [_usd(pair, *each) for each in zip(tokens_in, tokens_out, strict=True)]
    most = pair.tokens_per_second * SLOT_SECONDS
    beyond = [max(0.0, 1 - most / max(1, sum(each))) for each in zip(tokens_in, tokens_out, strict=True)]
    return Slots(tokens_in, tokens_out, cloud, [usd * share for usd, share in zip(cloud, beyond, strict=True)])


def rent_of_slot(pair: Pair) -> float:
    return pair.usd_per_hour * SLOT_SECONDS / 3600


def _usd(pair: Pair, tokens_in: float, tokens_out: float) -> float:
    return (tokens_in * pair.input + tokens_out * pair.output) / 1e6
