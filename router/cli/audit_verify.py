"""`breakeven audit verify`: whether anything was changed, removed, put in or moved."""

from __future__ import annotations

import argparse
from typing import Any

import msgspec

from router.cli.audit_source import add_source, read_lines
from router.core.audit.chain import MOST_FINDINGS, Anchor, ChainChecker, Finding, read_anchor

_NO_ANCHOR = (
    "No anchor was given: whether entries at its end are missing, or all of it was made anew, cannot be seen without"
    " one. `breakeven audit anchor` prints one, to be kept elsewhere."
)


def add_parser(actions: Any) -> None:
    parser: argparse.ArgumentParser = actions.add_parser(
        "verify",
        help="check that nothing was changed, removed, put in or moved",
        description="Checks every entry against its hash, and against the one before.",
    )
    parser.add_argument(
        "--anchor",
        action="append",
        default=[],
        type=_anchor,
        metavar="SEQ:HASH",
        help="an entry that has to be there, as `breakeven audit anchor` printed it; may be repeated",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_source(parser)


def run(args: argparse.Namespace) -> int:
    """1 when something is wrong, when there is nothing, or when it cannot be read."""
    checker = ChainChecker(args.anchor)
    read_lines(args, checker.take)
    findings = checker.end()
    print(_as_json(checker, findings) if args.json else _as_text(checker, findings, args.anchor))
    return 1 if findings or not checker.entries else 0


def _anchor(text: str) -> Anchor:
    try:
        return read_anchor(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _as_text(checker: ChainChecker, findings: list[Finding], anchors: list[Anchor]) -> str:
    if not checker.entries:
        return "The audit has no entries." + "".join(f"\n{each.seq}: {each.problem}" for each in findings)
    entries = f"{checker.entries:,} {'entry' if checker.entries == 1 else 'entries'}"
    if findings:
        most = " at least" if len(findings) == MOST_FINDINGS else ""
        lines = [f"The audit was tampered with or damaged: {entries},{most} {len(findings):,} found wrong."]
        return "\n".join([*lines, *(f"{each.seq}: {each.problem}" for each in findings)])
    whole = f"The chain is whole: {entries}, each follows the one before. Its anchor is {checker.last}"
    return whole if anchors else f"{whole}\n{_NO_ANCHOR}"


def _as_json(checker: ChainChecker, findings: list[Finding]) -> str:
    fields = {
        "whole": bool(checker.entries) and not findings,
        "entries": checker.entries,
        "anchor": str(checker.last) if checker.entries else None,
        "findings": findings,
    }
    return msgspec.json.format(msgspec.json.encode(fields)).decode()
