"""Commands and strings as bytes."""

from __future__ import annotations

import msgspec
import pytest

from router.ledger.server.wire import pack, string


def test_a_command_is_an_array_of_its_words():
    assert pack("SET", "a", 12, b"\xff") == b"*4\r\n$3\r\nSET\r\n$1\r\na\r\n$2\r\n12\r\n$1\r\n\xff\r\n"


@pytest.mark.parametrize("length", [0, 31, 255, 256, 65_535, 65_536])
def test_bytes_go_as_a_string_of_any_length(length):
    assert msgspec.msgpack.decode(bytes(string(b"x" * length))) == "x" * length
