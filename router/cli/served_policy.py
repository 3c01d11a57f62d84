"""The policy that a gateway here serves, for commands that are given none."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from router.app.data_dir import LAST_GOOD
from router.ledger.server.embedded import default_data_dir

if TYPE_CHECKING:
    from router.core.values import Plan


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


def served_plan(args: argparse.Namespace) -> Plan | None:
    """The same, read. None also where it cannot be read, as after a step back to an earlier version: then nothing is
    known of it, which must keep nobody from ending or narrowing a key."""
    from router.config.load import PolicyError, load

    served = served_policy(args)
    try:
        return None if served is None else load(served)
    except PolicyError:
        return None
