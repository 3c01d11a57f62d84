"""Cases of a policy that are recorded traffic: played as `breakeven simulate` does, with limits on what comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from router.config.problems import Finding

if TYPE_CHECKING:
    from router.config.cases import Simulate, Traffic
    from router.core.values import Plan


def played(plan: Plan, policy: str) -> Simulate:
    """For the cases beside `policy`."""

    def simulate(case: Traffic, folder: Path) -> list[Finding]:
        return list(_findings(plan, policy, case, folder))

    return simulate


def _findings(plan: Plan, policy: str, case: Traffic, folder: Path) -> Iterator[Finding]:
    from router.cli.given_files import said
    from router.cli.simulate import change, traffic
    from router.simulate.fail_if import BadLimit, Limit, NoFigure
    from router.simulate.outcomes import shapes_of, simulated
    from router.simulate.readers.malformed import Malformed
    from router.simulate.shape import BadShape
    from router.simulate.traffic_of import OutOfOrder

    shapes, limits = shapes_of([plan]), []
    for name, settings in case.backends.items():
        try:
            change(shapes, [f"{name}:{settings}"])
        except BadShape as error:
            yield Finding(("backends", name), str(error))
    for number, text in enumerate(case.fail_if):
        try:
            limits.append((("fail_if", number), Limit(text)))
        except BadLimit as error:
            yield Finding(("fail_if", number), str(error))
    try:
        file = str(folder / case.requests)
        outcome = simulated(plan, policy, shapes[0], traffic(file, case.scale, case.days), file)
    except (Malformed, OutOfOrder, OSError) as error:
        yield Finding(("requests",), said(error))
        return
    for path, limit in limits:
        try:
            if limit.holds(outcome.figures):
                yield Finding(path, f"{limit.text} holds, simulated: {limit.said(outcome.figures)}")
        except NoFigure as error:
            yield Finding(path, f"{limit.text} cannot be told: {error}")
