"""`breakeven explain`: where a request would go, and which step kept or removed each backend."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from router.cli.given_files import reading, said
from router.cli.ledger_server import add_arguments

if TYPE_CHECKING:
    from router.config.dry_run import DryRun
    from router.core.values import KeyGrant, Plan, Row


def add_parser(subparsers: Any) -> None:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "explain",
        help="show where a request would go, and why",
        description="Decides on one request without sending it, and shows what each step did with each backend.",
    )
    parser.add_argument("--policy", required=True, metavar="FILE")
    parser.add_argument(
        "--request", default="", metavar="FILE|-", help="the request's JSON body; a short chat if not given"
    )
    parser.add_argument("--header", action="append", default=[], type=_header, metavar="K=V", help="may be repeated")
    parser.add_argument("--endpoint", type=_endpoint, default="chat", metavar="NAME", help="chat if not given")
    parser.add_argument("--key", metavar="NAME", help="a key of the policy; one that allows everything if not given")
    parser.add_argument("--down", action="append", default=[], metavar="BACKEND", help="assume that it is not healthy")
    parser.add_argument("--full", action="append", default=[], metavar="BACKEND", help="assume that it has no room")
    parser.add_argument("--off", action="append", default=[], metavar="BACKEND", help="assume that it is not on")
    parser.add_argument(
        "--tokens", type=_natural, default=0, metavar="N", help="eligible tokens in the policy's window"
    )
    parser.add_argument("--hour", type=int, choices=range(24), metavar="H", default=12, help="of the day, 0 to 23")
    parser.add_argument("--previous", choices=("local", "cloud"), default="cloud", help="side preferred last")
    parser.add_argument("--ledger-lost", action="store_true", help="assume that the ledger cannot be reached")
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_arguments(parser)


def _header(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise argparse.ArgumentTypeError("a header is given as NAME=VALUE")
    return name, value


def _endpoint(text: str) -> str:
    from router.surfaces.registry import SURFACES

    if text not in SURFACES:
        raise argparse.ArgumentTypeError(f"there is no endpoint {text!r}; there are: {', '.join(SURFACES)}")
    return text


_MOST_DIGITS = 15


def _natural(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS):
        raise argparse.ArgumentTypeError("a number of tokens is a whole number, such as 600000")
    return int(text)


def run(args: argparse.Namespace) -> int:
    from router.cli.last_day import BadAddress, rows_of_last_day
    from router.config.load import PolicyError, load
    from router.core.reading import BadBody

    try:
        plan = load(args.policy)
        told = _explained(plan, _trial(args, plan), rows_of_last_day(args), args.json)
    except (PolicyError, OSError) as error:
        print(said(error), file=sys.stderr)
        return 1
    except BadBody as error:
        print(f"{args.request}: {error}", file=sys.stderr)
        return 1
    except (_UsageError, BadAddress) as error:
        print(error, file=sys.stderr)
        return 2
    print(told)
    return 0


class _UsageError(Exception):
    pass


def _trial(args: argparse.Namespace, plan: Plan) -> DryRun:
    from router.app.adapter_environment import untranslated
    from router.config.dry_run import DryRun
    from router.config.example_model import example_model
    from router.core.cost.preference import Side
    from router.surfaces.registry import SURFACES

    for name in (*args.down, *args.full, *args.off):
        if name not in plan.policy.backends:
            raise _UsageError(f"the policy has no backend {name!r}; it has: {', '.join(plan.policy.backends)}")
    return DryRun(
        body=_body(args.request) or SURFACES[args.endpoint].example(example_model(plan.policy), "Hello"),
        endpoint=args.endpoint,
        headers=dict(args.header),
        key=_key(args.key, plan),
        down=tuple(args.down),
        full=tuple(args.full),
        off=tuple(args.off),
        tokens=args.tokens,
        previous=Side(args.previous),
        hour=args.hour,
        ledger_lost=args.ledger_lost,
        untranslated=untranslated(),
    )


def _body(source: str) -> bytes:
    """Empty where none is given. Raises OSError."""
    if not source:
        return b""
    with reading(source):
        body = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    if not body:
        raise OSError(0, "it is empty, and should hold a request's JSON body", source)
    return body


def _key(name: str | None, plan: Plan) -> KeyGrant:
    from router.config.dry_run import NOBODY, grant_named

    if name is None:
        return NOBODY
    grant = grant_named(plan, name)
    if grant is None:
        known = ", ".join(key.name for key in plan.policy.keys) or "none"
        raise _UsageError(f"the policy has no key {name!r}; it has: {known}")
    return grant


def _explained(plan: Plan, trial: DryRun, rows: Sequence[Row], as_json: bool) -> str:
    """`rows` are what a ledger saw in the last 24 hours, at whose price the gateway computes its break-even.

    Raises BadBody.
    """
    from msgspec.structs import replace

    from router.cli.last_day import past_of
    from router.config.dry_run import attempt
    from router.config.presidio_pipe import asking
    from router.core.cost.breakeven import price_of_traffic
    from router.core.cost.passed_by import past_gpu_sentence
    from router.core.decision.explain import explain, explain_data

    with asking(plan) as ask:
        facts, decision = attempt(plan, replace(trial, cloud_price=price_of_traffic(rows)), ask)
    data = explain_data(decision, facts, plan)
    others = [name for name in plan.policy.backends if name not in {each["backend"] for each in data["backends"]}]
    note = past_gpu_sentence(plan, past_of(plan, rows))
    if as_json:
        return json.dumps({**data, "not_backends_of_the_model": others, "note": note}, indent=2)
    lines = [
        explain(decision, facts, plan).rstrip("\n"),
        *(f"  - {name} is not one of this model's backends" for name in others),
    ]
    return "\n".join([*lines, *(["", f"note: {note}"] if note else [])])
