"""From policies and requests to what is told of them: of one policy, or of two side by side."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from router.core.values import Plan
from router.simulate.comparison import Comparison, Move, run_both
from router.simulate.figures import Outcome, outcome_of
from router.simulate.kept import KeptAsRecorded, KeptBy
from router.simulate.readers.malformed import Malformed
from router.simulate.requests import RecordedRequest
from router.simulate.shape import Shape, assumed
from router.simulate.simulation import Simulation
from router.simulate.traffic_of import DAY_SECONDS

MOST_DAYS = 3660
"""That traffic may last: beyond that a time is wrong, and units would be looked at for hours."""


class Told(NamedTuple):
    outcomes: list[Outcome]
    """Of the policy, and of the one that it is shown beside."""
    timezone: ZoneInfo
    moves: tuple[Move, ...] = ()
    same: int = 0


def shapes_of(plans: Sequence[Plan]) -> list[dict[str, Shape]]:
    """Of the backends of each, as their policies have them."""
    return [
        {
            name: assumed(backend, plan.policy.zones[backend.zone].owned, plan.policy.cost.mix)
            for name, backend in plan.policy.backends.items()
        }
        for plan in plans
    ]


def simulated(
    plan: Plan, policy: str, shapes: Mapping[str, Shape], requests: Iterator[RecordedRequest], path: str
) -> Outcome:
    """`path` is the file of the requests, whose records say which of them may not leave, besides the plan. Raises
    Malformed where there is none, and what reading raises."""
    first, whole = _begun(requests, path)
    simulation = Simulation(plan, shapes, first, keeps=KeptAsRecorded(plan))
    simulation.run(whole)
    return outcome_of(simulation, policy)


def told_of(
    plans: Sequence[Plan],
    policies: Sequence[str],
    shapes: Sequence[Mapping[str, Shape]],
    requests: Iterator[RecordedRequest],
    path: str,
) -> Told:
    """Of one plan, or of two on the same requests; `policies` are their files, `path` is that of the requests. What the
    second keeps at home may not leave by the first. Raises Malformed where there is no request, and what reading
    raises."""
    timezone = ZoneInfo(plans[0].policy.cost.timezone)
    if len(plans) == 1:
        return Told([simulated(plans[0], policies[0], shapes[0], requests, path)], timezone)
    first, whole = _begun(requests, path)
    comparison = Comparison()
    one = Simulation(plans[0], shapes[0], first, comparison.one, keeps=KeptBy(plans[1]))
    other = Simulation(plans[1], shapes[1], first, comparison.other)
    run_both(one, other, whole)
    outcomes = [outcome_of(one, policies[0]), outcome_of(other, policies[1])]
    given = {plan.version for plan in plans}
    return Told([_beside(each, given) for each in outcomes], timezone, comparison.moved(), comparison.same)


def _beside(outcome: Outcome, given: Collection[str]) -> Outcome:
    others = {version: count for version, count in outcome.other_versions.items() if version not in given}
    return replace(outcome, other_versions=others)


def data_of(told: Told) -> dict[str, Any]:
    """As one JSON object."""
    outcome, *others = told.outcomes
    data: dict[str, Any] = {"simulated": True, **msgspec.to_builtins(outcome)}
    if others:
        data["against"] = msgspec.to_builtins(others[0])
        data["moved"] = msgspec.to_builtins(told.moves)
        data["same"] = told.same
    return data


def _begun(requests: Iterator[RecordedRequest], path: str) -> tuple[float, Iterator[RecordedRequest]]:
    """When the first one came, and all of them."""
    first = next(requests, None)
    if first is None:
        raise Malformed(path, 0, "there is no request in it")
    return first.at, chain([first], _within(requests, first, path))


def _within(requests: Iterator[RecordedRequest], first: RecordedRequest, path: str) -> Iterator[RecordedRequest]:
    for request in requests:
        if request.at - first.at > MOST_DAYS * DAY_SECONDS:
            named = f" ({request.id})" if request.id else ""
            raise Malformed(
                path,
                0,
                f"a request{named} came {(request.at - first.at) / DAY_SECONDS:,.0f} days after the first, and traffic"
                f" lasts {MOST_DAYS:,} days at most: correct its time, or take the last days alone with --days",
            )
        yield request
