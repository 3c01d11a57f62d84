"""`breakeven power`: what is on and why, what would change it next, and orders."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from router.cli.audit_note import noted, user
from router.cli.ledger_server import add_arguments, ledger_url
from router.cli.table import table
from router.core.power.terms import Order
from router.core.resilience.worker_status import POWER_SECONDS
from router.ledger.errors import EmbeddedServerError, LedgerUnavailable
from router.ledger.power import Ordered, PowerBook, PowerEvent, PowerLook, open_power

_HEADINGS = ("backend", "is", "since", "order", "units", "answer", "wanted")
_NONE = "No units are switched here: no backend of the policy has a power section, or no gateway has run with one yet."
_UNCONTROLLED = "No gateway controls it now: what is said of it is as it was left, and orders are taken when one runs."
_NOT_TAKEN = (
    "The gateway that controlled it has not taken the order: it has just ended, or is being restarted. The next one"
    " that controls it carries it out."
)
_SHOWN = 10
TAKEN_SECONDS = 5.0
"""In which a gateway that controls has taken an order: it looks every second."""
_POLL_SECONDS = 0.2


def add_parser(subparsers: Any) -> None:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "power",
        help="show which own GPUs are on and why, and switch them",
        description="Shows which units of own backends are on and why, and takes orders. An order stands until the next"
        " one; `auto` leaves it to the policy again.",
    )
    parser.add_argument("action", nargs="?", choices=("status", "on", "off", "auto", "why"), default="status")
    parser.add_argument("backend", nargs="?", default="", metavar="BACKEND", help="may be left out where there is one")
    parser.add_argument("--json", action="store_true", help="print JSON; times in seconds since the epoch")
    add_arguments(parser)


class _UsageError(Exception):
    pass


def run(args: argparse.Namespace) -> int:
    """1 when there is nothing to read from, 2 for a backend that is none."""
    try:
        with ledger_url(args) as url:
            print(asyncio.run(_answer(url, args)))
    except (LedgerUnavailable, EmbeddedServerError) as error:
        print(f"breakeven power: {error}", file=sys.stderr)
        return 1
    except (_UsageError, ValueError) as error:
        print(f"breakeven power: {error}", file=sys.stderr)
        return 2
    return 0


async def _answer(url: str, args: argparse.Namespace) -> str:
    async with open_power(url) as book:
        look = await book.look()
        names = [args.backend] if args.backend else list(look.kept)
        if args.backend and args.backend not in look.kept:
            raise _UsageError(f"no units of {args.backend!r} are switched; there are: {', '.join(look.kept) or 'none'}")
        if args.action in ("status", "why"):
            events = await book.events(1000)
            if args.json:
                return _as_json(look, names, events)
            return _why(look, names, events) if args.action == "why" else _status(look, names)
        if len(names) != 1:
            raise _UsageError(f"say which backend: {', '.join(names) or 'there is none'}")
        before = look.orders[names[0]].order.value if names[0] in look.orders else "auto"
        async with noted(url, "power.order", names[0], old={"order": before}, new={"order": args.action}):
            ordered = await book.order(names[0], Order(args.action), f"{user()} (command)")
        told = f"{names[0]}: ordered {args.action}."
        if not _controlled(look, names[0]):
            return f"{told}\n{_UNCONTROLLED}"
        return told if await _is_taken(book, names[0], ordered) else f"{told}\n{_NOT_TAKEN}"


async def _is_taken(book: PowerBook, name: str, ordered: Ordered) -> bool:
    """Whether whoever controls has found it: one that was killed has its lease for a while, and takes nothing."""
    for _ in range(round(TAKEN_SECONDS / _POLL_SECONDS)):
        kept = (await book.look()).kept.get(name)
        if kept is None or kept.ordered_at >= ordered.at:
            return True
        await asyncio.sleep(_POLL_SECONDS)
    return False


def _controlled(look: PowerLook, name: str) -> bool:
    return look.held and name in look.powers and look.now - look.powers[name].at <= POWER_SECONDS


def _status(look: PowerLook, names: Sequence[str]) -> str:
    if not names:
        return _NONE
    lines = [_HEADINGS, *(_line(look, name) for name in names)]
    notes = [f"{name}: {look.kept[name].state.explanation}" for name in names if look.kept[name].state.explanation]
    notes += [f"{name}: {_UNCONTROLLED}" for name in names if not _controlled(look, name)]
    return "\n".join([*table(lines, 4), *([""] if notes else []), *notes])


def _line(look: PowerLook, name: str) -> tuple[str, ...]:
    state = look.kept[name].state
    order = look.orders[name].order.value if name in look.orders else "auto"
    return (name, state.phase.value, _time(state.since), order, *map(str, (state.units, state.ready, state.wanted)))


def _why(look: PowerLook, names: Sequence[str], events: Sequence[PowerEvent]) -> str:
    if not names:
        return _NONE
    return "\n\n".join("\n".join(_account(look, name, events)) for name in names)


def _account(look: PowerLook, name: str, events: Sequence[PowerEvent]) -> list[str]:
    kept = look.kept[name]
    state, ordered = kept.state, look.orders.get(name)
    lines = [f"{name} is {state.phase.value} since {_time(state.since)}.", state.explanation, f"Next: {kept.next}"]
    if state.error:
        lines.append(f"Last failure: {state.error}.")
    if ordered is not None:
        lines.append(f"Order: {ordered.order.value}, by {ordered.who} at {_time(ordered.at)}.")
    if not _controlled(look, name):
        lines.append(_UNCONTROLLED)
    own = [event for event in events if event.backend == name][:_SHOWN]
    return [*filter(None, lines), *(["Changes, latest first:"] if own else []), *map(_change, own)]


def _change(event: PowerEvent) -> str:
    what = f"{event.before} -> {event.after}" if event.after else "order"
    return f"  {_time(event.at)}  {what} ({event.reason}): {event.explanation}"


def _time(at: float) -> str:
    """In this machine's time zone."""
    return f"{datetime.fromtimestamp(at).astimezone():%Y-%m-%d %H:%M:%S}" if at else "-"


def _as_json(look: PowerLook, names: Sequence[str], events: Sequence[PowerEvent]) -> str:
    backends = {
        name: {
            "phase": look.kept[name].state.phase.value,
            "since": look.kept[name].state.since,
            "units": look.kept[name].state.units,
            "ready": look.kept[name].state.ready,
            "wanted": look.kept[name].state.wanted,
            "reason": look.kept[name].state.reason,
            "explanation": look.kept[name].state.explanation,
            "next": look.kept[name].next,
            "error": look.kept[name].state.error,
            "order": look.orders[name].order.value if name in look.orders else "auto",
            "controlled": _controlled(look, name),
        }
        for name in names
    }
    told = [msgspec.structs.asdict(event) for event in events if event.backend in backends]
    return msgspec.json.format(msgspec.json.encode({"backends": backends, "changes": told})).decode()
