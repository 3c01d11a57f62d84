"""Bytes of answers that do not depend on anything else."""

from __future__ import annotations

from functools import cache, lru_cache
from http import HTTPStatus

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"
JSON = b"content-type: application/json\r\n"


_SIZES = tuple([b"%x\r\n" % size for size in range(4096)])


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body."""
    size = len(data)
    return (_SIZES[size] if size < 4096 else b"%x\r\n" % size) + data + b"\r\n"


@cache
def status_line(status: int) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    return f"HTTP/1.1 {status} {phrase}\r\n".encode("latin-1")


@lru_cache(maxsize=1024)
def told(backend: str, zone: str, level: str, reason: str) -> bytes:
    """The header lines that say where a request ran and why. All of it comes from the policy or from tables, so
    there are few of them."""
    lines = header("x-breakeven-backend", backend) + header("x-breakeven-zone", zone)
    return lines + header("x-breakeven-sensitivity", level or "none") + header("x-breakeven-reason", reason)


def header(name: str, value: str) -> bytes:
    """One header line; characters that cannot stand in a header become "?"."""
    safe = "".join(char if " " <= char <= "~" else "?" for char in value)
    return f"{name}: {safe}\r\n".encode("latin-1")
