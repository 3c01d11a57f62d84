"""`breakeven audit show`: one entry, or the receipt that a request is in and what proves it."""

from __future__ import annotations

import argparse
import asyncio
from contextlib import aclosing
from typing import Any

import msgspec

from router.cli.ledger_server import add_arguments, ledger_url
from router.cli.whole_numbers import whole_number
from router.core.audit.chain import Anchor
from router.core.audit.egress import RECEIPT
from router.core.audit.entry import Entry, read_entry
from router.core.audit.merkle import path_of, root_of
from router.core.audit.receipts import LEAF, leaf_of, read_receipt
from router.ledger.audit import open_audit
from router.ledger.reports.export import line_of
from router.ledger.reports.receipts import LEAF_COLUMNS, minute_of
from router.ledger.reports.record_reader import RecordReader, open_records


def add_parser(actions: Any) -> None:
    parser: argparse.ArgumentParser = actions.add_parser(
        "show",
        help="show an entry, or that a request is in a receipt",
        description="Shows an entry; or of a request what its records say, the receipts that they are in, and the"
        " hashes from there to here, so that one record can be shown to somebody who may not see the others.",
    )
    parser.add_argument(
        "entry", nargs="?", type=whole_number(0, 2**53, 7), metavar="SEQ", help="the number of an entry"
    )
    parser.add_argument("--record", default="", metavar="ID", help="a request's `x-request-id`, or its record's id")
    add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """1 when there is no such entry or request, or when it is not what its receipt was made of."""
    if (args.entry is None) == (not args.record):
        raise ValueError("give the number of an entry, or --record with a request's id")
    with ledger_url(args) as url:
        shown = asyncio.run(_entry(url, args.entry) if args.entry is not None else _record(url, args.record))
    print(msgspec.json.format(msgspec.json.encode(shown)).decode())
    return 1 if any(not each.get("proved", True) for each in shown) else 0


async def _entry(url: str, seq: int) -> list[dict[str, Any]]:
    async with open_audit(url) as chain:
        async for line in chain.lines(max(0, seq - 1)):
            entry = read_entry(line)
            if entry.seq == seq:
                return [msgspec.structs.asdict(entry)]
    raise ValueError(f"there is no entry {seq}")


async def _record(url: str, id: str) -> list[dict[str, Any]]:
    """Each record of the request, the latest first."""
    async with open_records(url) as reader:
        places = await _places(reader, id)
        if not places:
            raise ValueError(f"no record of the request {id} is kept (any more)")
        minutes = [(at, place, [leaf async for leaf in _leaves(reader, at)]) for at, place in places]
    receipts: dict[str, Entry] = {}
    async with open_audit(url) as chain:
        async for line in chain.lines():
            entry = read_entry(line)
            if entry.action == RECEIPT:
                receipts[read_receipt(entry.new).root] = entry
    return [_shown(lines, receipts, at, place) for at, place, lines in minutes]


async def _places(reader: RecordReader, id: str) -> list[tuple[str, int]]:
    """By the id of the stream's entry, and the place in it."""
    found = []
    async with aclosing(reader.entries_back()) as entries:
        async for entry in entries:
            found += [
                (entry.id, place) for place, record in enumerate(entry.records) if id in (record.id, record.request)
            ]
    return found


async def _leaves(reader: RecordReader, at: str) -> Any:
    async for entry in minute_of(reader, at):
        for place, record in enumerate(entry.records):
            yield entry.id, place, line_of(record, LEAF_COLUMNS)


def _shown(
    lines: list[tuple[str, int, dict[str, Any]]], receipts: dict[str, Entry], at: str, place: int
) -> dict[str, Any]:
    leaves = [leaf_of(line) for _, _, line in lines]
    number = next(number for number, (id, each, _) in enumerate(lines) if (id, each) == (at, place))
    root, receipt = root_of(leaves).hex(), receipts.get(root_of(leaves).hex())
    return {
        "record": {name: lines[number][2][name] for name in LEAF},
        "leaf": leaves[number].hex(),
        "place": number,
        "of": len(leaves),
        "path": [each.hex() for each in path_of(leaves, number)],
        "root": root,
        "receipt": None if receipt is None else str(Anchor(receipt.seq, receipt.hash)),
        "proved": receipt is not None,
    }
