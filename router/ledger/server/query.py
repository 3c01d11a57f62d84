"""Questions to the ledger's server that are asked now and then: no reply that a caller must tell from another.

What the server refuses is `LedgerUnavailable`, with its own words, as a connection that was lost is.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import hiredis

from router.ledger.errors import LedgerUnavailable
from router.ledger.server.address import parse_address
from router.ledger.server.connection import Connection, connect

_AT_ONCE = 100


@contextmanager
def refused_is_unavailable() -> Iterator[None]:
    """What is refused in here raises `LedgerUnavailable`."""
    try:
        yield
    except hiredis.ReplyError as error:
        raise LedgerUnavailable(str(error)) from None


async def ask(connection: Connection, *words: str | int | bytes) -> Any:
    """One command's reply. Raises `LedgerUnavailable`."""
    with refused_is_unavailable():
        return await connection.call(*words)


async def ask_all(connection: Connection, commands: Sequence[Sequence[str | int | bytes]]) -> list[Any]:
    """The reply of each. Some are sent at once, and others have their turn at the server in between. Raises
    `LedgerUnavailable`."""
    replies: list[Any] = []
    with refused_is_unavailable():
        for first in range(0, len(commands), _AT_ONCE):
            replies += await connection.call_all(commands[first : first + _AT_ONCE])
    return replies


@asynccontextmanager
async def connected(
    url: str, timeout: float, on_lost: Callable[[str], None] = lambda why: None
) -> AsyncIterator[Connection]:
    """A connection of the block's own. Raises ValueError for a URL that cannot be used, and `LedgerUnavailable`."""
    connection = await connect(parse_address(url), timeout, on_lost)
    try:
        yield connection
    finally:
        connection.lose("closed")
