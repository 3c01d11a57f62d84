"""Commands as bytes."""

from __future__ import annotations

from typing import Any, cast

import hiredis
import msgspec


def pack(*words: str | int | bytes) -> bytes:
    """One command in Redis's protocol. (hiredis's own annotation allows only tuples of one.)"""
    return cast(bytes, hiredis.pack_command(cast(Any, words)))


def string(data: bytes) -> msgspec.Raw:
    """Bytes as a msgpack string: the msgpack of the server's Lua is from before there was a type for bytes.

    https://github.com/msgpack/msgpack/blob/master/spec.md#str-format-family
    """
    length = len(data)
    if length < 256:
        return msgspec.Raw(b"\xd9%c%b" % (length, data))
    if length < 65_536:
        return msgspec.Raw(b"\xda%b%b" % (length.to_bytes(2, "big"), data))
    return msgspec.Raw(b"\xdb%b%b" % (length.to_bytes(4, "big"), data))
