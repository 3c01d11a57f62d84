"""What every connection is to its event loop: bytes in, bytes out, an end.

Nothing of this is called for each chunk. asyncio calls `connection_made`, then any of the others, then
`connection_lost` once; a transport that was closed or aborted calls that in a later turn of the loop, and must not be
written to or resumed before it either.
"""

from __future__ import annotations

import asyncio
import fcntl
import struct
import termios
from typing import cast


class BaseConnection:
    """An asyncio protocol in all but its class: as a class of its own it can be compiled."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.closed = False
        """Nothing comes or goes any more. Never False again."""
        self.idle_since = 0.0
        """Loop time at which the last exchange ended."""
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._paused = False
        """Nothing is read, so that who sends has to wait."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but its class

    def eof_received(self) -> None:
        """By returning nothing it is closed: nobody here goes on with half a connection."""

    def pause_writing(self) -> None:
        """What waits in the transport is bounded otherwise."""

    def resume_writing(self) -> None:
        pass

    def abort(self) -> None:
        """Close at once, whatever was written."""
        if self._transport is not None:
            self._transport.abort()

    def _stop_reading(self) -> bool:
        """Until `_read_on`. False when nothing is read already."""
        if self._paused or self.closed or self._transport is None:
            return False
        self._paused = True
        self._transport.pause_reading()
        return True

    def _read_on(self) -> bool:
        """False when it was read from all along, or will be no more: a transport that is closed must not be resumed."""
        if not self._paused or self.closed or self._transport is None:
            return False
        self._paused = False
        self._transport.resume_reading()
        return True


def all_received(transport: asyncio.Transport) -> bool:
    """Whether the other side's system has all that was written: while a transport keeps something back, it is because
    the system's own buffer is not empty. True where the system does not tell."""
    try:
        waiting = fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, _NOTHING)
    except (OSError, ValueError):
        return True
    return waiting == _NOTHING


_NOTHING = struct.pack("i", 0)
