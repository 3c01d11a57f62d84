"""The policy that a gateway here serves, for commands that are given none."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from router.app.data_dir import LAST_GOOD
from router.ledger.server.embedded import default_data_dir

if TYPE_CHECKING:
    from router.core.values import Plan

UNCHECKED = (
    "Not checked against a policy, as no gateway has served one here: a model, zone, level or tag that it does not "
    "know cuts the key off. `--policy FILE` names it."
)


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
    from router.config.load import PolicyError, load

    if args.policy is not None:
        try:
            return load(args.policy)
        except PolicyError as error:
            raise ValueError(f"--policy {args.policy}: {error}") from None
    plan = served_plan(args)
    if plan is None:
        print(UNCHECKED, file=sys.stderr)
    return plan


def served_plan(args: argparse.Namespace) -> Plan | None:
    """The same, read. None also where it cannot be read, as after a step back to an earlier version: then nothing is
    known of it, which must keep nobody from ending or narrowing a key."""
    from router.config.load import PolicyError, load

    served = served_policy(args)
    try:
        return None if served is None else load(served)
    except PolicyError:
        return None
