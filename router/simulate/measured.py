"""What records say of how much a backend served while it worked: measured, and no estimate."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from router.simulate.requests import RecordedRequest

_DAY_SECONDS = 86_400.0


class BackendSpeed(Struct, frozen=True):
    backend: str
    answers: int
    tokens: int
    """Input and output."""
    busy_seconds: float
    """In which it had at least one request at work."""

    @property
    def tokens_per_second(self) -> float:
        return self.tokens / self.busy_seconds


class Volume(Struct, frozen=True):
    """Of all requests that were answered, wherever, and that own backends could have served: `Row.own_tokens` of the
    ledger's totals is the same."""

    tokens: int
    days: float

    @property
    def tokens_per_day(self) -> float:
        return self.tokens / self.days


class _Seen:
    def __init__(self) -> None:
        self.answers = self.tokens = 0
        self.busy = 0.0
        self.until = float("-inf")

    def add(self, begin: float, end: float, tokens: int) -> None:
        self.answers += 1
        self.tokens += tokens
        self.busy += max(0.0, end - max(begin, self.until))
        self.until = max(self.until, end)


def measured(requests: Iterable[RecordedRequest]) -> tuple[list[BackendSpeed], Volume | None]:
    """Of each backend whose answers have times, and the volume of a day; `requests` are in the order of arrival. Less
    than a day counts as one: nobody knows what the rest of it would have been."""
    seen: dict[str, _Seen] = {}
    tokens, first, last = 0, None, 0.0
    for request in requests:
        if request.decided is None:
            continue
        used = request.input + request.output
        tokens += used * request.own
        first, last = request.at if first is None else first, request.at
        if request.seconds is not None and request.seconds > (request.sent or 0.0):
            found = seen.setdefault(request.decided, _Seen())
            found.add(request.at + (request.sent or 0.0), request.at + request.seconds, used)
    backends = [BackendSpeed(name, each.answers, each.tokens, each.busy) for name, each in seen.items()]
    volume = None if first is None else Volume(tokens, max(1.0, (last - first) / _DAY_SECONDS))
    return backends, volume
