"""The parts, each with a gateway and books of its own."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from valkey import Valkey

from tests.bench import traffic
from tests.bench.scale import cold_pages, large_ledger, load, pages, watchers
from tests.bench.scale.gateway import Gateway, started
from tests.bench.scale.large_ledger import Books
from tests.bench.scale.results import ColdPage, Curve, PageTime, Point, Wait, Watched
from tests.bench.scale.signed_in import People

STORED = "server: {stored_keys: true, max_body_bytes: 20000000}\n"
_BODY = traffic.request_body(stream=False)
_LONGEST = ("longest script, ms",)


@dataclass(frozen=True)
class Sizes:
    """What grows, and how many seconds each point takes."""

    keys: Sequence[int] = (1, 10, 100, 1000, 10_000)
    streams: Sequence[int] = (10, 100, 1000, 3000)
    days: Sequence[int] = (0, 30, 90, 400)
    bodies: Sequence[int] = (5_000, 50_000, 500_000, 2_000_000, 8_000_000)
    page_keys: int = 1000
    page_days: int = 400
    watchers: Sequence[int] = (0, 10, 100, 1000)
    seconds: int = 5
    warm_up: int = 3


QUICK = Sizes(
    keys=(1, 100, 1000), streams=(10, 100), days=(0, 30), bodies=(5_000, 500_000), page_keys=100, page_days=40,
    watchers=(0, 100), seconds=2, warm_up=1,
)  # fmt: skip


PROMISED = Books(keys=50, days=90, models=10)
"""Books over which every page of the dashboard is there within a second."""
_PEOPLE = 125
"""Who watch: of eight streams each, a thousand."""


@contextmanager
def _gateway(
    upstream: int,
    keys: int,
    books: Books | None = None,
    *,
    limited: bool = False,
    people: Callable[[Path], Mapping[str, str]] = lambda data_dir: {},
) -> Any:
    def fill(client: Valkey) -> None:
        large_ledger.store_keys(client, keys, limited=limited)
        if books is not None:
            large_ledger.write_books(client, books)

    with started(upstream, fill, large_ledger.secret(0), STORED, people) as gateway:
        yield gateway


def keys(upstream: int, sizes: Sizes) -> list[Curve]:
    """Each key is used in turn: none finds anything that was made for the one before it."""
    found = []
    for limited, words in ((False, "without limits"), (True, "each with two limits of its own")):
        curve = Curve(
            name="keys-limited" if limited else "keys",
            title=f"Keys in use, {words}",
            x="keys in use",
            columns=("gateway, µs a request", "ledger's server, µs a request"),
            drawn=2,
        )
        with _gateway(upstream, max(sizes.keys), limited=limited) as gateway:
            for number in sizes.keys:
                load.cost_per_request(gateway, _BODY, number, sizes.warm_up)
                curve.points.append(Point(number, load.cost_per_request(gateway, _BODY, number, sizes.seconds)))
        found.append(curve)
    return found


def changes(upstream: int, sizes: Sizes) -> list[Wait]:
    """How long requests wait while keys or the policy change, with the most keys there are."""
    with _gateway(upstream, max(sizes.keys)) as gateway:
        seconds = 4.0
        add = [sys.executable, "-m", "router", "key", "new", "one-more", "--store", "--redis", gateway.ledger_url]
        revoke = [sys.executable, "-m", "router", "key", "revoke", "app-5", "--redis", gateway.ledger_url]
        edit = [sys.executable, "-c", "import sys; open(sys.argv[1], 'a').write('# edited\\n')", str(gateway.policy)]
        return [
            load.waits(gateway, seconds, "nothing happens"),
            load.waits(gateway, seconds, "a key is added", add),
            load.waits(gateway, seconds, "a key is revoked", revoke),
            load.waits(gateway, seconds, "the policy is edited", edit),
        ]


def streams(upstream: int, sizes: Sizes) -> list[Curve]:
    curve = Curve(
        name="streams",
        title="Open streams",
        x="open streams",
        columns=("gateway, µs an event", "ledger's server, µs an event", "events a second"),
        drawn=1,
        note="All streams together have about as many events a second at each point: of more, each is slower.",
    )
    with _gateway(upstream, 1) as gateway:
        for number in sizes.streams:
            curve.points.append(Point(number, load.cost_per_event(gateway, number, float(sizes.seconds))))
    return [curve]


def days(upstream: int, sizes: Sizes) -> list[Curve]:
    """Every key has two limits, and is used for the first time since the books were written."""
    curve = Curve(
        name="days",
        title=f"Days of books, of {sizes.page_keys:,} keys",
        x="days",
        columns=("gateway, µs a request", "ledger's server, µs a request", *_LONGEST),
        drawn=2,
        note="The keys have two limits each, whose counters begin with what the books say of them. The longest"
        " script is by the clock of the server.",
    )
    for number in sizes.days:
        with _gateway(upstream, sizes.page_keys, Books(sizes.page_keys, number), limited=True) as gateway:
            _watch_scripts(gateway)
            cost = load.cost_per_request(gateway, _BODY, sizes.page_keys, sizes.seconds)
            curve.points.append(Point(number, (*cost, _longest_script(gateway))))
    return [curve]


def _watch_scripts(gateway: Gateway) -> None:
    """From here on the longest ones are noted."""
    gateway.ledger.config_set("slowlog-log-slower-than", 200)
    gateway.ledger.config_set("slowlog-max-len", 10_000)
    gateway.ledger.execute_command("SLOWLOG", "RESET")


def _longest_script(gateway: Gateway) -> float:
    """In milliseconds; those that took less than 0.2 are not noted."""
    slow = gateway.ledger.execute_command("SLOWLOG", "GET", "-1")
    return max((entry[2] / 1000 for entry in slow if entry[3][0].startswith(b"EVAL")), default=0.2)


def bodies(upstream: int, sizes: Sizes) -> list[Curve]:
    curve = Curve(
        name="bodies",
        title="Size of a request's body",
        x="KB",
        columns=("gateway, µs a request", "gateway, µs a KB"),
        drawn=1,
        note="The text is searched by six detectors, from its beginning to its end.",
    )
    with _gateway(upstream, 1) as gateway:
        for size in sizes.bodies:
            cost, _ = load.cost_per_request(gateway, _body_of(size), 1, 2 * sizes.seconds, connections=4)
            curve.points.append(Point(size / 1000, (cost, cost / (size / 1000))))
    return [curve]


def _body_of(size: int) -> bytes:
    """Words, as a document has them."""
    body = json.loads(_BODY)
    words = "The quarterly report says that the night shift served most of what came, and at what price it did so. "
    body["messages"][-1]["content"] = (words * (size // len(words) + 1))[:size]
    return json.dumps(body).encode()


def control_plane(upstream: int, sizes: Sizes) -> list[PageTime]:
    with _gateway(upstream, sizes.page_keys, Books(sizes.page_keys, sizes.page_days), limited=True) as gateway:
        load.cost_per_request(gateway, _BODY, sizes.page_keys, sizes.warm_up)
        return pages.measure(gateway, sizes.page_days)


def dashboard(upstream: int, sizes: Sizes) -> list[ColdPage]:
    """In a browser, over the books that are promised for."""

    def people(data_dir: Path) -> dict[str, str]:
        signing = People(data_dir)
        return {"admin": signing.sign_in("ada", "admin"), "member": signing.sign_in("eve", "member", ["team-3"])}

    with _gateway(upstream, PROMISED.keys, PROMISED, limited=True, people=people) as gateway:
        load.cost_per_request(gateway, _BODY, PROMISED.keys, sizes.warm_up)
        return list(cold_pages.measure(gateway))


def watched(upstream: int, sizes: Sizes) -> list[Watched]:
    """Streams of events, from so many people that none has more than it may."""
    with _gateway(upstream, 1, people=lambda data_dir: watchers.sign_in_all(data_dir, _PEOPLE)) as gateway:
        load.cost_per_request(gateway, _BODY, 1, sizes.warm_up)
        return [watchers.measure(gateway, number, max(sizes.seconds, 3)) for number in sizes.watchers]
