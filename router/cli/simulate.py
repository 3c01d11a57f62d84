"""`breakeven simulate REQUESTS --policy FILE`: what would this policy have cost on that traffic?"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from router.core.values import Plan
    from router.simulate.fail_if import Limit
    from router.simulate.figures import Outcome
    from router.simulate.shape import Shape


def add_parser(subparsers: Any) -> None:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "simulate",
        help="try a policy on recorded traffic, in virtual time",
        description="Replays recorded requests through the rules of a policy, with simulated backends, and shows what"
        " that would have cost and how requests would have fared. Nothing is sent anywhere.",
    )
    parser.add_argument("requests", metavar="REQUESTS", help="recorded requests, see docs/simulate.md")
    parser.add_argument("--policy", required=True, metavar="FILE")
    parser.add_argument(
        "--backend",
        action="append",
        default=[],
        metavar="NAME:SETTING=NUMBER,…",
        help="how a backend is: speed, first_byte, slots, prefill, decode, kv, start; may be repeated",
    )
    parser.add_argument("--scale", type=_times, default=1.0, metavar="N", help="so many times as many requests")
    parser.add_argument(
        "--fail-if", action="append", default=[], metavar="EXPR", help="exit status 1 when that holds; may be repeated"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def _times(text: str) -> float:
    try:
        times = float(text)
    except ValueError:
        times = 0.0
    if not 0 < times <= 10_000:
        raise argparse.ArgumentTypeError("a scale is a number above 0 and up to 10000, such as 3 or 0.5")
    return times


def run(args: argparse.Namespace) -> int:
    from router.config.load import PolicyError, load
    from router.simulate.azure_trace import Malformed
    from router.simulate.fail_if import BadLimit, Limit
    from router.simulate.shape import BadShape
    from router.simulate.traffic_of import OutOfOrder

    try:
        limits = [Limit(text) for text in args.fail_if]
        plan = load(args.policy)
        shapes = _shapes(plan, args.backend)
    except (BadLimit, BadShape) as error:
        print(error, file=sys.stderr)
        return 2
    except PolicyError as error:
        print(error, file=sys.stderr)
        return 1
    try:
        outcome = _simulated(plan, shapes, args)
    except (Malformed, OutOfOrder, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    _show(outcome, plan, args)
    failed = [limit.text for limit in limits if _fails(limit, outcome)]
    return 1 if failed else 0


def _shapes(plan: Plan, given: Sequence[str]) -> dict[str, Shape]:
    from router.simulate.shape import BadShape, assumed, changed

    zones, mix = plan.policy.zones, plan.policy.cost.mix
    shapes = {name: assumed(backend, zones[backend.zone].owned, mix) for name, backend in plan.policy.backends.items()}
    for each in given:
        name, _, settings = each.partition(":")
        if name not in shapes:
            raise BadShape(f"the policy has no backend {name!r}; it has: {', '.join(shapes)}")
        shapes[name] = changed(shapes[name], settings)
    return shapes


def _simulated(plan: Plan, shapes: Mapping[str, Shape], args: argparse.Namespace) -> Outcome:
    """Raises Malformed, OutOfOrder or OSError."""
    from router.simulate.azure_trace import Malformed, read
    from router.simulate.figures import outcome_of
    from router.simulate.simulation import Simulation
    from router.simulate.traffic_of import in_order, scaled

    with Path(args.requests).open(encoding="utf-8", newline="") as lines:
        requests = in_order(scaled(read(lines, args.requests), args.scale))
        first = next(requests, None)
        if first is None:
            raise Malformed(f"{args.requests}: there is no request in it")
        simulation = Simulation(plan, shapes, first.at)
        simulation.run(chain([first], requests))
    return outcome_of(simulation, args.policy)


def _show(outcome: Outcome, plan: Plan, args: argparse.Namespace) -> None:
    from zoneinfo import ZoneInfo

    import msgspec

    from router.simulate.report import text_of

    if args.json:
        print(msgspec.json.format(msgspec.json.encode({"simulated": True, **msgspec.to_builtins(outcome)})).decode())
    else:
        print(text_of(outcome, ZoneInfo(plan.policy.cost.timezone)), end="")


def _fails(limit: Limit, outcome: Outcome) -> bool:
    """Said where it does, and where that cannot be told, which fails too."""
    from router.simulate.fail_if import NoFigure

    try:
        holds, why = limit.holds(outcome.figures), ""
    except NoFigure as error:
        holds, why = True, f" ({error})"
    if holds:
        print(f"failed: {limit.text}{why}", file=sys.stderr)
    return holds
