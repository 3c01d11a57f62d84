"""Large values in pieces. Apart from `connection`, which is compiled: mypyc has no asynchronous generators."""

from __future__ import annotations

from collections.abc import AsyncIterator

from router.ledger.server.connection import Connection


async def scan_hash(connection: Connection, key: str, count: int = 500) -> AsyncIterator[list[bytes]]:
    """A hash in pieces, flat: what is in it throughout comes at least once, and no piece keeps the server busy."""
    cursor = b"0"
    while True:
        cursor, flat = await connection.call("HSCAN", key, cursor, "COUNT", count)
        yield flat
        if cursor == b"0":
            return
