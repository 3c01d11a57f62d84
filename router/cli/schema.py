"""`breakeven schema`: the JSON Schema of the policy file."""

from __future__ import annotations

import argparse
import json
from typing import Any


def add_parser(subparsers: Any) -> None:
    subparsers.add_parser(
        "schema",
        help="print the JSON Schema of the policy file, for editors",
        description="Prints the JSON Schema (draft 2020-12) of the policy file. Save it as breakeven.schema.json and "
        "begin a policy with '# yaml-language-server: $schema=breakeven.schema.json' to have an editor complete it.",
    )


def run(args: argparse.Namespace) -> int:
    from router.config.schema import policy_schema

    print(json.dumps(policy_schema(), indent=2))
    return 0
