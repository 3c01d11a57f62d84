"""How long every page and answer of the control plane takes: the first time that somebody asks, and after that."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product

from router.admin.routes import ROUTES
from router.admin.views.spend import MOST_DAYS
from tests.bench.scale.gateway import ADMIN_TOKEN, Gateway
from tests.bench.scale.results import PageTime

_AGAIN = 3
_LEFT_OUT = {"/api/events": "never ends"}
_NAMES = {"/{name}": ("break-even", "operations", "policy", "requests", "worth"), "/assets/{name}": ()}


def measure(gateway: Gateway, days: int) -> list[PageTime]:
    connection = http.client.HTTPConnection("127.0.0.1", gateway.admin_port, timeout=60)
    try:
        return [_time_of(connection, path) for path in asked(connection, days)]
    finally:
        connection.close()


def asked(connection: http.client.HTTPConnection, days: int) -> Iterator[str]:
    """Every route that is read, with what makes its answer large."""
    for route in ROUTES:
        if route.method != "GET" or route.path in _LEFT_OUT:
            continue
        if route.path == "/api/spend":
            yield from _spend(days)
        elif route.path == "/api/requests":
            yield from (route.path, f"{route.path}?limit=500", f"{route.path}?key=app-7&limit=100")
        elif route.path == "/api/requests/{id}":
            yield f"/api/requests/{_first_id(connection)}"
        elif route.path == "/api/sizing":
            yield f"{route.path}?model=llama-3.1-8b&gpu=L40S"
        elif route.path == "/api/policy/history/{version}":
            continue
        elif "{" in route.path:
            yield from (f"/{name}" for name in _NAMES[route.path])
        else:
            yield route.path


def _spend(days: int) -> Iterator[str]:
    today = datetime.now(UTC).date()
    longest = f"from={today - timedelta(days=min(days, MOST_DAYS) - 1)}"
    for range_, by in product(("range=today", "range=30d", "range=month", longest), ("backend", "team", "key")):
        yield f"/api/spend?{range_}&by={by}"
    yield f"/api/spend?{longest}&by=model&key=app-7"
    yield f"/api/spend?{longest}&by=key&format=csv"


def _first_id(connection: http.client.HTTPConnection) -> str:
    return str(json.loads(_get(connection, "/api/requests?limit=1"))["requests"][0]["id"])


def _time_of(connection: http.client.HTTPConnection, path: str) -> PageTime:
    times, size = [], 0
    for _ in range(1 + _AGAIN):
        begun = time.perf_counter()
        size = len(_get(connection, path))
        times.append((time.perf_counter() - begun) * 1e3)
    return PageTime(path, times[0], sorted(times[1:])[_AGAIN // 2], size)


def _get(connection: http.client.HTTPConnection, path: str) -> bytes:
    connection.request("GET", path, headers={"authorization": f"Bearer {ADMIN_TOKEN}"})
    response = connection.getresponse()
    body = response.read()
    if response.status != 200:
        raise OSError(f"{path}: {response.status}: {body[:200]!r}")
    return body
