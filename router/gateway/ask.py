"""One request on its way through the gateway."""

from __future__ import annotations

from msgspec import Struct

from router.core.policy import Endpoint
from router.core.reading import Reading
from router.core.recall import Recall
from router.core.values import Facts, KeyGrant, Plan
from router.gateway.http import Request


class Ask(Struct, frozen=True):
    """What was asked, by whom, and what is known of it. It keeps the plan that it began with through a reload."""

    endpoint: Endpoint
    plan: Plan
    recall: Recall
    key: KeyGrant
    body: bytes
    reading: Reading
    facts: Facts
    request: Request
    at: float
    """Seconds since the epoch."""
    deadline: float
    """Loop time until which the answer's first byte must have come."""
    request_id: str
