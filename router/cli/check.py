"""`breakeven check FILE…`: is the policy valid, and does it decide as its cases say?"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from router.cli.ledger_server import add_arguments

if TYPE_CHECKING:
    from router.config.problems import PolicyError, Problem
    from router.core.values import Plan

_CASES = ".cases.yaml"


def add_parser(subparsers: Any) -> None:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "check",
        help="validate policies and run their cases",
        description="Validates each policy and runs the NAME.cases.yaml beside it. Shows every error with its line, "
        "and warns of what is valid and probably not meant.",
    )
    parser.add_argument(
        "--online", action="store_true", help="ask backends which models they have, and warn of those that they lack"
    )
    parser.add_argument(
        "--strict",
        action="store_true",
        help="warnings fail, too, and with --online backends that cannot be asked: the exit status is 1",
    )
    add_arguments(parser)
    parser.add_argument("files", nargs="+", metavar="FILE", help="a policy; a cases file stands for its policy")


def run(args: argparse.Namespace) -> int:
    from router.cli.last_day import BadAddress

    policies = dict.fromkeys(map(_policy_of, args.files))
    try:
        results = [_check(policy, args) for policy in policies]
    except BadAddress as error:
        print(f"breakeven check: {error}", file=sys.stderr)
        return 2
    return 0 if all(results) else 1


def _policy_of(file: str) -> str:
    """So that `policies/*.yaml` can be given."""
    return file.removesuffix(_CASES) + ".yaml" if file.endswith(_CASES) else file


def _check(policy: str, args: argparse.Namespace) -> bool:
    from datetime import UTC, datetime

    from router.cli.last_day import last_day
    from router.cli.simulated_case import played
    from router.config.cases import cases_beside, check_cases
    from router.config.load import PolicyError, plan_of, read_bytes
    from router.config.presidio_pipe import PresidioUnusable, cost_of
    from router.config.sizing.advice import not_looked_at
    from router.config.warnings import warnings_of
    from router.core.cost.passed_by import past_gpu_sentence

    try:
        content = read_bytes(policy)
        plan = plan_of(content, policy, now=datetime.now(UTC), with_extras=True)
        if refused := _refused(policy, plan, args):
            raise refused
        presidio_cost = cost_of(plan)
        cases = cases_beside(policy)
        summary = _count(check_cases(cases, plan, played(plan, policy))) if Path(cases).exists() else "no cases"
    except PolicyError as error:
        print(error, file=sys.stderr)
        return False
    except PresidioUnusable as error:
        print(f"{policy}: sensitivity.presidio: {error}", file=sys.stderr)
        return False
    unlisted, all_told = _unlisted(content, policy, plan) if args.online else ((), True)
    warnings = (*warnings_of(content, policy, plan), *unlisted)
    for warning in warnings:
        print(f"warning {policy}: {warning.field}: {warning.message} (line {warning.line})", file=sys.stderr)
    if args.strict and (warnings or not all_told):
        return False
    print(f"ok {policy} ({summary})")
    if presidio_cost is not None:
        print(
            f"note {policy}: sensitivity.presidio takes about {presidio_cost:.3g} ms of one processor for each KB of "
            "text that it has not seen before, as measured here just now"
        )
    for sentence in not_looked_at(plan):
        print(f"note {policy}: {sentence}")
    told = past_gpu_sentence(plan, last_day(args, plan))
    if told:
        print(f"note {policy}: {told}")
    return True


def _refused(policy: str, plan: Plan, args: argparse.Namespace) -> PolicyError | None:
    """Why the gateway here, which serves this very file or did, would not take it over."""
    from router.cli.served_policy import served_policy
    from router.config.watch import refusal

    try:
        served = served_policy(args)
    except OSError:  # another user's
        return None
    return None if served is None else refusal(policy, plan, served)


def _unlisted(content: bytes, policy: str, plan: Plan) -> tuple[tuple[Problem, ...], bool]:
    """What backends lack, and whether all of them told."""
    import asyncio
    import ssl

    from router.app.model_listings import listings_of
    from router.config.load import text_of
    from router.config.unlisted_models import findings
    from router.config.yaml_document import parse

    listed, silent = asyncio.run(listings_of(plan, ssl.create_default_context()))
    for backend, why in silent.items():
        print(f"note {policy}: backends.{backend} did not tell which models it has: {why}", file=sys.stderr)
    document = parse(text_of(content, policy), policy)
    return tuple(sorted(map(document.problem, findings(plan.policy, listed)))), not silent


def _count(cases: int) -> str:
    return f"{cases} case{'' if cases == 1 else 's'}"
