from __future__ import annotations

from router.core.units import Units
from router.core.values import Usage
from router.surfaces.byte_stream import PIECE, ByteScanner

SPOKEN = Usage(input=3, units=Units(characters=9))


def test_all_that_comes_passes_at_once() -> None:
    scanner = ByteScanner()
    assert not scanner.first_complete
    assert scanner.feed(b"data: x\n\n\xff") == b"data: x\n\n\xff"
    assert scanner.first_complete and not scanner.done and not scanner.has_room_for_words
    assert scanner.finish() == b"" and scanner.done
    assert (scanner.usage, scanner.produced) == (None, 0)


def test_what_begins_as_an_error_is_no_sound() -> None:
    for pieces, remarks in (([b'{"error"'], True), ([b"<p>", b"x"], True), ([b"ID3", b"{"], False)):
        scanner = ByteScanner()
        for piece in pieces:
            scanner.feed(piece)
        assert scanner.remarks is remarks


def test_progress_is_a_piece_and_no_byte() -> None:
    scanner = ByteScanner()
    scanner.feed(b"x")
    before = scanner.events
    scanner.feed(b"x")
    assert scanner.events == before
    scanner.feed(b"x" * PIECE)
    assert scanner.events > before


def test_what_the_request_takes_is_known_and_what_came_is_estimated() -> None:
    assert ByteScanner(SPOKEN).usage is SPOKEN
    scanner = ByteScanner(SPOKEN, bytes_per_token=10)
    scanner.feed(b"x" * 25)
    assert scanner.usage == Usage(input=3, output=3, estimated=True, units=SPOKEN.units)
