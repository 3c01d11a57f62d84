"""docs/economics.md, from what was played."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from router.core.power.of_backend import terms_of
from router.core.power.rule import OFF_BELOW, ON_FROM, span
from router.core.power.savings import MEMORY
from tests.economics.choices import FIXED, STRATEGIES
from tests.economics.pairs import PAIRS
from tests.economics.replay import RENTALS, switched
from tests.economics.run import LOADS, ROUGH_WEEKS, STRATEGY_WEEKS, WEEKS, Burst, Case, OtherStrategies
from tests.economics.traffic import ROUGH, generated, recorded, variation

DECISIONS = Path(__file__).with_name("decisions.md")
MIDDLE = (0.3, 1.0)
"""Loads at which the choice is hardest."""


@dataclass(frozen=True)
class Bound:
    says: str
    most: float
    value: float

    @property
    def holds(self) -> bool:
        return self.value <= self.most


def bounds(cases: Sequence[Case], bursts: Sequence[Burst]) -> list[Bound]:
    ratios = [case.ratio for case in cases]
    middle = [case.ratio for case in cases if MIDDLE[0] <= case.load <= MIDDLE[1]]
    return [
        Bound("weeks, of hindsight, in the median", 1.05, median(ratios)),
        Bound("weeks, of hindsight, at worst", 1.20, max(ratios)),
        Bound("weeks at loads 0.3 to 1, of hindsight, in the median", 1.10, median(middle)),
        Bound("bursts, of the better of all cloud and always on, at worst", 2.50, max(each.ratio for each in bursts)),
    ]


INTRODUCTION = """# What a GPU costs, and what switching it by its rent does

Made by `make economics`, which fails if a bound of the first table is broken. **Everything here is simulated**, by what
`breakeven simulate` runs ([simulate.md](simulate.md)): the rule that the gateway ships (`router/core/power`) decides in
virtual time, on traffic that is generated or recorded elsewhere, with one unit of a rental that does what it is told.
Nothing on this page was measured on a GPU, or paid.

The rule: a unit is started when what it would have saved an hour (an exponential mean with a memory of {memory})
reaches {on:.0%} of its rent, and stopped when that is below {off:.0%}, after {min_on} at least and near the end of a
billing step. A start is paid for and serves nothing.

*Hindsight* is the least that the week could have cost for one who knew it beforehand, on the same rental. *All cloud*
rents nothing, *always on* rents all week.
"""

SIMULATED = """## What is simulated

- **Weeks.** {weeks} are generated: an organisation's hours and weekends, an ebb and flow with a memory of half an hour
  to eight hours, noise from slot to slot (five minutes), a few batches, all drawn from a seed. They are rougher than
  what is recorded: the slots of an average one vary by {usual:.0%} of their mean, those of the recorded ones by
  {smooth}. No constant of the rule was chosen by these seeds. Two weeks are recorded: `azure-hour` is an hour of a
  conversation service of Azure, repeated; `servegen-day` is a day sampled from published production distributions,
  repeated, too. [SOURCE.md](../tests/economics/data/SOURCE.md) has their sources and licences.
- **Bursts.** Days that are quiet but for bursts of up to ten times what the rent buys, most of them about what a unit
  can serve; from regular ones to wild ones. No rule that starts from nothing comes near to hindsight there: a start
  takes as long as many of the bursts.
- **Plays.** Every week is played at every load, with one of the pairs and on two of the rentals, which take turns. Five
  minutes are one request, and one more for what a unit cannot serve; demand is looked at as often. Some weeks were also
  played in pieces of 50 seconds, with a look every minute as the gateway has it: costs differ by {apart:.2%} at most.
- **Loads.** At load 1 the week's tokens cost in the cloud what the unit costs that is always on.
- **Pairs.** Rents are of price lists of autumn 2026, and so are the cloud's prices; gpt-4o and gpt-4o-mini as in the
  price list that the gateway comes with. What a unit serves at most is its rent divided by the price of a million
  tokens at full load, which was computed, not measured; the cloud serves the rest, whatever is chosen.
- **Rentals.** A start takes {starts} minutes. Rent is billed by the minute or by the hour, from the order on.
- **Left out.** Starts that fail, waiting, prices that change, and answers that are worth more or less than the cloud's.

| pair | rent, USD per hour | USD per million tokens at full load | cloud, USD per million in / out |
|---|---|---|---|
{pairs}
"""

OTHERS = """## Strategies without `power`, as multiples of hindsight

`threshold` (500,000 tokens a day) and `breakeven` choose a side for each request, and `local_first` keeps what fits;
the rent runs on, whatever they choose. Generated weeks: {weeks}, and both recorded ones, with the first pair: median
and worst.
"""


EXAMPLE = """## One of them

A test plays it again, so that this page follows the rule:

{}
"""


ROUGHER = """## Rougher weeks, outside of the bounds

What the weeks are like matters more than the pair or the rental. These are {count} with up to fifteen batches and with
nights that are nearly empty; the slots of an average one vary by {rough:.0%} of their mean. All choices are dearer
there than in hindsight, and nobody knows beforehand what the next hour brings.

"""


@dataclass(frozen=True)
class Beside:
    """What is told besides the bounds."""

    rough: Sequence[Case]
    strategies: Sequence[OtherStrategies]
    apart: float
    """How far weeks of a request a slot are from the same in pieces, at most."""


def document(cases: Sequence[Case], beside: Beside, bursts: Sequence[Burst], example: Case) -> str:
    min_on = terms_of(switched(PAIRS[0], RENTALS[0]).policy.backends["gpu"]).min_on
    introduction = INTRODUCTION.format(memory=span(MEMORY), on=ON_FROM, off=OFF_BELOW, min_on=span(min_on))
    decisions = DECISIONS.read_text().format(memory=span(MEMORY), on=ON_FROM, off=OFF_BELOW)
    parts = [introduction, decisions, "## Bounds", "", *_bounds(bounds(cases, bursts)), ""]
    parts += ["## Weeks, as multiples of hindsight: median and worst", "", *_by_load(cases), ""]
    parts += ["## The rule alone", "", *_groups(cases), ""]
    varies = median(variation(generated(seed, ROUGH)) for seed in ROUGH_WEEKS)
    parts += [ROUGHER.format(count=len(ROUGH_WEEKS), rough=varies) + "\n".join(_by_load(beside.rough)), ""]
    parts += [OTHERS.format(weeks=len(STRATEGY_WEEKS)), *_strategies(beside.strategies), ""]
    parts += ["## Bursts, as multiples of the better of all cloud and always on", "", *_bursts(bursts), ""]
    pairs = "\n".join(
        f"| {pair.name} | {pair.usd_per_hour:.2f} | {pair.usd_per_million_at_full_load:.3f} |"
        f" {pair.input:.2f} / {pair.output:.2f} |"
        for pair in PAIRS
    )
    starts = " or ".join(sorted({f"{rental.start_seconds / 60:.0f}" for rental in RENTALS}, key=int))
    usual = median(map(variation, map(generated, WEEKS)))
    smooth = " and ".join(f"{variation(each):.0%}" for each in recorded())
    simulated = SIMULATED.format(
        weeks=len(WEEKS), usual=usual, smooth=smooth, starts=starts, pairs=pairs, apart=beside.apart
    )
    parts += [simulated, EXAMPLE.format(line(example))]
    return "\n".join(parts)


def line(case: Case) -> str:
    return (
        f"`{case.demand}`, {case.pair.name}, load {case.load:g}, {case.rental.name}: ${case.usd:.2f}, in hindsight"
        f" ${case.hindsight:.2f}; {case.starts} starts, {case.hours:.1f} hours."
    )


def _bounds(found: Iterable[Bound]) -> list[str]:
    rows = [
        f"| {bound.says} | {bound.most:.2f} | {bound.value:.3f} | {'holds' if bound.holds else '**broken**'} |"
        for bound in found
    ]
    return ["| total cost | at most | is | |", "|---|---|---|---|", *rows]


def _by_load(cases: Sequence[Case]) -> list[str]:
    head = f"| load | the rule | {' | '.join(FIXED)} |"
    rows = [_compared(f"{load:g}", [case for case in cases if case.load == load]) for load in LOADS]
    return [head, f"|---|---|{'---|' * len(FIXED)}", *rows, _compared("all", cases)]


def _compared(name: str, cases: Sequence[Case]) -> str:
    others = [_spread([case.fixed[choice] / case.hindsight for case in cases]) for choice in FIXED]
    return f"| {name} | **{_spread([case.ratio for case in cases])}** | {' | '.join(others)} |"


def _strategies(found: Sequence[OtherStrategies]) -> list[str]:
    names = " | ".join(f"`{name}`" for name in STRATEGIES)
    rows = []
    for load in LOADS:
        ratios = [each.ratios for each in found if each.load == load]
        rows.append(f"| {load:g} | {' | '.join(_spread([each[name] for each in ratios]) for name in STRATEGIES)} |")
    return [f"| load | {names} |", f"|---|{'---|' * len(STRATEGIES)}", *rows]


def _spread(ratios: Sequence[float]) -> str:
    return f"{median(ratios):.2f}, {max(ratios):.2f}"


def _groups(cases: Sequence[Case]) -> list[str]:
    by: list[tuple[str, Callable[[Case], bool]]] = [
        *((f"start {rental.name}", lambda case, rental=rental: case.rental == rental) for rental in RENTALS),
        *((pair.name, lambda case, pair=pair: case.pair == pair) for pair in PAIRS),
        ("generated weeks", lambda case: case.demand.startswith("week")),
        ("azure-hour", lambda case: case.demand == "azure-hour"),
        ("servegen-day", lambda case: case.demand == "servegen-day"),
    ]
    rows = [_group(name, [case for case in cases if belongs(case)]) for name, belongs in by]
    head = "| of | weeks | median | 95 % below | worst | starts a week, most | hours on, mean |"
    return [head, "|---|---|---|---|---|---|---|", *rows]


def _group(name: str, cases: Sequence[Case]) -> str:
    ratios = sorted(case.ratio for case in cases)
    return (
        f"| {name} | {len(cases)} | {median(ratios):.3f} | {_quantile(ratios, 0.95):.3f} | {ratios[-1]:.3f} |"
        f" {max(case.starts for case in cases)} | {sum(case.hours for case in cases) / len(cases):.0f} |"
    )


def _bursts(bursts: Sequence[Burst]) -> list[str]:
    by = [(rental.name, [each.ratio for each in bursts if each.rental == rental]) for rental in RENTALS]
    rows = [
        f"| start {name} | {len(ratios)} | {median(ratios):.2f} | {_quantile(sorted(ratios), 0.95):.2f} |"
        f" {_quantile(sorted(ratios), 0.99):.2f} | {max(ratios):.2f} |"
        for name, ratios in by
    ]
    return ["| of | days | median | 95 % below | 99 % below | worst |", "|---|---|---|---|---|---|", *rows]


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[int(share * (len(ordered) - 1))]
