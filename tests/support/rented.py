"""The ledger's rent, for tests that write some."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from router.ledger.rent_book import RentBook
from router.ledger.server.address import parse_address
from router.ledger.server.connection import connect


@asynccontextmanager
async def rent_book(url: str) -> AsyncIterator[RentBook]:
    connection = await connect(parse_address(url), 5.0, lambda why: None)
    try:
        yield RentBook(connection)
    finally:
        connection.lose("closed")
