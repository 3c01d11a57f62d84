"""`breakeven key new NAME`: a new client key, shown once, and the YAML to paste."""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import secrets
from typing import Any

_NAME = re.compile(r"[^\s|\x00-\x1f\x7f]{1,128}")
_RANDOM_BYTES = 32


def add_parser(subparsers: Any) -> None:
    parser: argparse.ArgumentParser = subparsers.add_parser("key", help="make client keys")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    new = actions.add_parser(
        "new",
        help="make a key",
        description="Prints a new key, which is kept nowhere, and the YAML with its SHA-256 for the policy.",
    )
    new.add_argument("name", metavar="NAME", type=_name, help="who uses the key, such as search-app")
    new.add_argument("--team", metavar="TEAM", type=_name, default="default", help="team that it counts for")


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise argparse.ArgumentTypeError("a name has 1 to 128 characters, without spaces and |")
    return text


def run(args: argparse.Namespace) -> int:
    key = new_key()
    print("The key, to give to the client. It is shown only this once:\n")
    print(f"  {key}\n")
    print("Paste this under keys: in the policy:\n")
    print(f"  {entry(key, args.name, args.team)}")
    return 0


def new_key() -> str:
    """`bk-` and 43 random characters (256 bits) that need no escaping in URLs."""
    return f"bk-{secrets.token_urlsafe(_RANDOM_BYTES)}"


def entry(key: str, name: str, team: str) -> str:
    """One item of the policy's `keys`; the key itself is not in it."""
    digest = hashlib.sha256(key.encode()).hexdigest()
    # JSON strings are YAML strings, whatever is in them.
    return f'- {{name: {json.dumps(name)}, sha256: "{digest}", team: {json.dumps(team)}}}'
