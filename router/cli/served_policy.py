"""The policy that a gateway here serves, for commands that are given none."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from router.app.data_dir import LAST_GOOD
from router.ledger.server.embedded import default_data_dir

if TYPE_CHECKING:
    from router.core.resilience.worker_status import WorkerStatus
    from router.core.values import Plan

UNCHECKED = (
    "Not checked against a policy, as no gateway has served one here: a model, zone, level or tag that it does not "
    "know cuts the key off. `--policy FILE` names it."
)


_SETTING = "`server: {stored_keys: true}`"


def not_taken(plan: Plan | None, workers: Sequence[WorkerStatus]) -> str:
    """Why a key or a team in the ledger would not count, with what to do; empty where it does, or nobody knows.

    `plan` is the policy that it is checked against; without one, what gateways on this ledger report counts.
    """
    if plan is not None and not plan.policy.server.stored_keys:
        return (
            f"the policy takes no keys and teams of the ledger: set {_SETTING} in it first, or name with --policy FILE "
            "the one that is going to be served"
        )
    if plan is None and workers and not any(worker.stored_keys for worker in workers):
        return (
            f"no gateway on this ledger takes its keys and teams: set {_SETTING} in their policy first, or name with "
            "--policy FILE the one that is going to be served"
        )
    return ""


def served_policy(args: argparse.Namespace) -> Path | None:
    """The copy of what was last served from the data directory, whether the gateway runs now or not.

    None where there is none, and where a ledger is named that is not the one of this machine's gateways: theirs may be
    served by another policy.
    """
    elsewhere = args.redis and args.redis != os.environ.get("BREAKEVEN_REDIS")
    if elsewhere and args.data_dir is None:
        return None
    served = (args.data_dir or default_data_dir()) / LAST_GOOD
    return served if served.is_file() else None


def add_policy_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--policy",
        type=Path,
        metavar="FILE",
        help="what to check the change against; by default what a gateway here serves",
    )


def plan_to_check(args: argparse.Namespace) -> Plan | None:
    """The policy that a change is checked against before it is made: the one that was named, or what is served here.

    None where neither is known, which is said on stderr. Raises ValueError where the one that was named is broken.
    """
    plan = known_plan(args)
    if plan is None:
        print(UNCHECKED, file=sys.stderr)
    return plan


def known_plan(args: argparse.Namespace) -> Plan | None:
    """The same, for what has nothing that a policy may not know."""
    from router.config.load import PolicyError, load

    if args.policy is None:
        return served_plan(args)
    try:
        return load(args.policy)
    except PolicyError as error:
        raise ValueError(f"--policy {args.policy}: {error}") from None


def served_plan(args: argparse.Namespace) -> Plan | None:
    """What `served_policy` names, read. None also where it cannot be read, as after a step back to an earlier version:
    then nothing is known of it, which must keep nobody from ending or narrowing a key."""
    from router.config.load import PolicyError, load

    served = served_policy(args)
    try:
        return None if served is None else load(served)
    except PolicyError:
        return None
