"""One request on its way through the gateway."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from router.core.bodies import Reading
from router.core.policy import Endpoint
from router.core.values import BackendState, Facts, KeyGrant
from router.gateway.request import Request
from router.gateway.serving import Serving


class Ask(Struct, frozen=True, gc=False):
    """What was asked, by whom, and what is known of it."""

    endpoint: Endpoint
    serving: Serving
    key: KeyGrant
    body: bytes
    reading: Reading
    facts: Facts
    request: Request
    at: float
    """Seconds since the epoch."""
    arrived: float
    """In seconds of the monotonic clock, which is finer than the loop's."""
    deadline: float
    """Loop time until which the answer's first byte must have come."""
    states: Mapping[str, BackendState]
    """What backends looked like when it arrived."""
