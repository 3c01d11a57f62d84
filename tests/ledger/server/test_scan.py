from __future__ import annotations

from typing import Any

from router.ledger.server.scan import scan_hash


class Server:
    """Answers HSCAN with these pieces, one call each."""

    def __init__(self, *pieces: list[bytes]) -> None:
        self.pieces = pieces
        self.calls: list[tuple[Any, ...]] = []

    async def call(self, *words: Any) -> tuple[bytes, list[bytes]]:
        self.calls.append(words)
        number = len(self.calls)
        return b"0" if number == len(self.pieces) else b"%d" % number, self.pieces[number - 1]


async def test_a_hash_comes_in_pieces_until_the_cursor_is_back():
    server = Server([b"a", b"1"], [], [b"b", b"2"])
    assert [piece async for piece in scan_hash(server, "key", 7)] == [[b"a", b"1"], [], [b"b", b"2"]]
    assert server.calls == [("HSCAN", "key", cursor, "COUNT", 7) for cursor in (b"0", b"1", b"2")]
