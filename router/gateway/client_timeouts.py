"""How long a client may take: to send a request's head and its body, to read its answer, and to say nothing at all.

`server.header_timeout` and `server.body_timeout` of the policy are totals, from the first byte to the last: were only
pauses bounded, a request could drip for ever.
"""

from __future__ import annotations

from typing import Final

from router.core.policy import Server
from router.gateway.http_connection import Client

CHECK_SECONDS: Final = 1.0
"""Pause between two looks at all clients."""
KEEP_ALIVE_SECONDS: Final = 120.0
"""Between two requests."""
STALLED_SECONDS: Final = 120.0
"""A client that reads nothing for this long has left."""


def end_if_late(client: Client, limits: Server, now: float) -> None:
    """`now` is the event loop's time. Who still sends a request is told; who reads nothing is cut."""
    if client.stalled_since and now - client.stalled_since > STALLED_SECONDS:
        client.abort()
    elif client.reading:
        if now - client.reading_since > (limits.body_timeout if client.reading_body else limits.header_timeout):
            client.late()
    elif not client.busy and now - client.idle_since > KEEP_ALIVE_SECONDS:
        client.close()
