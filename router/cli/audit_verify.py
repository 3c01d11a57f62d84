"""`breakeven audit verify`: whether anything was changed, removed, put in or moved."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import msgspec

from router.cli.audit_source import add_source, read_lines
from router.cli.given_files import reading
from router.core.audit.chain import MOST_FINDINGS, Anchor, ChainChecker, Finding, read_anchor
from router.core.audit.egress import EgressReader
from router.core.audit.receipts import leaf_of
from router.core.audit.records import RecordsChecker, Shown

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
    parser.add_argument(
        "--never",
        action="append",
        default=[],
        metavar="LEVEL|TAG",
        help="a level or a tag of which no request may have gone to a zone that is not own; may be repeated",
    )
    parser.add_argument(
        "--records", metavar="FILE", help="an export of request records (JSON lines), held against the receipts"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_source(parser)


def run(args: argparse.Namespace) -> int:
    """1 when something is wrong, when there is nothing, or when it cannot be read."""
    checker, egress = ChainChecker(args.anchor), EgressReader(args.never)
    records = RecordsChecker(*read_leaves(args.records)) if args.records else None

    def take(line: bytes) -> None:
        entry = checker.take(line)
        receipt = None if entry is None else egress.take(entry)
        if records is not None and entry is not None and receipt is not None:
            records.take(entry, receipt)

    read_lines(args, take)
    findings = [*checker.end(), *egress.findings]
    shown = None if records is None else records.end()
    wrong = bool(findings or egress.unheard_of()) or not checker.entries or (shown is not None and bool(shown.problems))
    if args.json:
        print(_as_json(checker, findings, egress, shown))
    else:
        print("\n".join([*_chain(checker, findings, args.anchor), *_egress(egress), *_records(shown)]))
    return 1 if wrong else 0


def read_leaves(name: str) -> tuple[list[bytes], list[str]]:
    """Leaves and times of an export of records. Raises OSError, and ValueError with the line for what is no record."""
    leaves, times = [], []
    with reading(name), Path(name).open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                record = msgspec.json.decode(line)
                leaves.append(leaf_of(record))
                times.append(str(record["time"]))
            except (ValueError, KeyError, TypeError):
                raise ValueError(
                    f"{name}, line {number}: it is no record; make the file with `breakeven export --format jsonl`"
                ) from None
    return leaves, times


def _anchor(text: str) -> Anchor:
    try:
        return read_anchor(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _chain(checker: ChainChecker, findings: list[Finding], anchors: list[Anchor]) -> Iterator[str]:
    entries = _count(checker.entries, "entry", "entries")
    if findings:
        most = "at least " if len(findings) >= MOST_FINDINGS else ""
        yield f"Not well: {entries}, {most}{len(findings):,} found wrong."
        yield from (f"{each.seq}: {each.problem}" for each in findings)
    elif not checker.entries:
        yield "The audit has no entries."
    else:
        yield f"The chain is whole: {entries}, each follows the one before. Its anchor is {checker.last}"
    if not anchors and checker.entries:
        yield _NO_ANCHOR


def _egress(egress: EgressReader) -> Iterator[str]:
    if not egress.minutes:
        yield "There are no receipts of requests."
        return
    minutes = _count(egress.minutes, "minute", "minutes")
    yield f"Receipts of {minutes} from {egress.first} to {egress.last}: {egress.records:,} records."
    if egress.gaps:
        yield f"{_count(egress.gaps, 'time', 'times')} records were gone before a receipt could be made of them."
    yield from (_unheard_of(name, egress.known) for name in egress.unheard_of())
    for account in egress.accounts():
        places = [
            f"{number:,} to {place.zone} ({'own' if place.own else 'NOT OWN'})"
            for place, number in account.sent.items()
        ]
        outcome = f"{account.left:,} LEFT" if account.left else "none left"
        yield f"{account.name}: {'; '.join([*places, f'{account.refused:,} refused'])}: {outcome}."
    if egress.unknown:
        yield (
            f"{egress.unknown:,} that went to zones that are not own have no level, because their process was killed;"
            " they were permitted to leave."
        )


def _unheard_of(name: str, known: set[str]) -> str:
    near = get_close_matches(name, known, 1)
    meant = f" Did you mean {near[0]}?" if near else ""
    return f"Not well: no receipt has a level or tag {name}; there are: {', '.join(sorted(known)) or 'none'}.{meant}"


def _records(shown: Shown | None) -> Iterator[str]:
    if shown is None:
        return
    yield f"{shown.shown:,} of {shown.records:,} records of the export are in receipts, exactly as they are."
    if shown.covered_to:
        ends = "receipts reach no further yet" if shown.covered_to == shown.receipts_to else "the export ends there"
        yield (
            f"Covered are records to the end of {shown.covered_to}; {ends}. Behind that one that is missing, or was"
            " changed, is not noticed."
        )
    yield from (f"Not checked: {each}." for each in shown.excused)
    yield from (f"Not well: {each}." for each in shown.problems)


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def _as_json(checker: ChainChecker, findings: list[Finding], egress: EgressReader, shown: Shown | None) -> str:
    fields = {
        "whole": bool(checker.entries) and not findings,
        "entries": checker.entries,
        "anchor": str(checker.last) if checker.entries else None,
        "findings": findings,
        "receipts": {
            "minutes": egress.minutes,
            "records": egress.records,
            "from": egress.first,
            "to": egress.last,
            "gaps": egress.gaps,
            "left_with_unknown_level": egress.unknown,
        },
        "never": [
            {
                "name": account.name,
                "sent": [{"zone": each.zone, "own": each.own, "requests": n} for each, n in account.sent.items()],
                "refused": account.refused,
                "left": account.left,
                "known": account.name in egress.known,
            }
            for account in egress.accounts()
        ],
        "records": shown,
    }
    return msgspec.json.format(msgspec.json.encode(fields)).decode()
