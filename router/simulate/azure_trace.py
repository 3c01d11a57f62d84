"""Azure's traces of LLM inference: TIMESTAMP, ContextTokens, GeneratedTokens, as CSV.

https://github.com/Azure/AzurePublicDataset
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from router.simulate.requests import RecordedRequest

COLUMNS = ("TIMESTAMP", "ContextTokens", "GeneratedTokens")
_MOST_TOKENS = 100_000_000


class Malformed(ValueError):
    """What is wrong with a file, where, and what would be right."""


def read(lines: Iterable[str], name: str) -> Iterator[RecordedRequest]:
    """Raises Malformed at the first line that is wrong."""
    rows = csv.reader(lines)
    head = [each.strip().removeprefix("\ufeff") for each in next(rows, [])]
    missing = [each for each in COLUMNS if each not in head]
    if missing:
        raise Malformed(f"{name}:1: no column {', '.join(missing)}; Azure's traces begin with {','.join(COLUMNS)}")
    places = [head.index(each) for each in COLUMNS]
    for row in rows:
        if not row:
            continue
        line = rows.line_num
        if len(row) != len(head):
            raise Malformed(f"{name}:{line}: {len(row)} columns, and the first line has {len(head)}")
        when, input, output = (row[place] for place in places)
        yield RecordedRequest(
            at=_time(when, name, line, places[0]),
            input=_tokens(input, name, line, places[1]),
            output=_tokens(output, name, line, places[2]),
            id=f"line {line}",
        )


def _time(text: str, name: str, line: int, place: int) -> float:
    try:
        at = datetime.fromisoformat(text.strip()[:26])
    except ValueError:
        raise Malformed(
            f"{name}:{line}: column {place + 1} ({COLUMNS[0]}): {text[:40]!r} is no time such as"
            " 2023-11-16 18:15:46.6805900"
        ) from None
    return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).timestamp()


def _tokens(text: str, name: str, line: int, place: int) -> int:
    if not text.strip().isdecimal() or int(text) > _MOST_TOKENS:
        raise Malformed(f"{name}:{line}: column {place + 1}: {text[:40]!r} is no number of tokens, such as 512")
    return int(text)
