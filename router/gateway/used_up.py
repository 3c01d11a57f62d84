"""Requests that no limit would admit: they are refused before anybody reads a large body for that."""

from __future__ import annotations

from router.core.values import KeyGrant
from router.gateway.body_reader import SHORT
from router.gateway.error_responses import over_limit
from router.gateway.request import Request
from router.gateway.worker_state import WorkerState


def is_read_apart(request: Request) -> bool:
    """Whether a request with this head may have a body that has to wait for its turn."""
    told = request.headers.get("content-length", "")
    return not told.isdigit() or int(told) > SHORT or "content-encoding" in request.headers


def check_rate(state: WorkerState, request: Request, key: KeyGrant) -> None:
    """Raises ApiError 429 where it is certain that the ledger would not admit it."""
    exhausted = state.ledger.exhausted
    if not exhausted.known or not state.ledger.available:
        return
    now, counter_sets = state.clock(), state.serving.holding.counter_sets
    verdict = exhausted.of(counter_sets.of(key, "", now))
    if verdict is not None:
        raise over_limit(
            verdict, now, counter_sets.periods, "" if request.surface is None else request.surface.output_limit
        )


def check_again(state: WorkerState, request: Request, key: KeyGrant) -> None:
    """The same once its body is there and has its turn; and whether its key still works. Raises ApiError."""
    if request.keyring is not state.keyring:
        key = state.keyring.identify(request)
    check_rate(state, request, key)
