"""`breakeven size`: which card a model fits, how fast at most, and at what price."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from router.cli.given_files import reading, said
from router.cli.ledger_server import add_arguments

if TYPE_CHECKING:
    from router.config.sizing.catalogue import Catalogue
    from router.config.sizing.sizing import Wanted
    from router.simulate.measured import BackendSpeed, Volume


def add_parser(subparsers: Any) -> None:
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "size",
        help="show which card a model fits, how fast at most, and at what price",
        description="Says whether a model fits cards, for how many tokens and conversations, how to launch it and what "
        "a million tokens cost. Speed and cost are bounds from data sheets: estimates, no measurements. Without a "
        "model: the table of the article behind the threshold of 500,000 tokens a day, corrected.",
    )
    parser.add_argument("model", nargs="?", metavar="MODEL|config.json", help="a model of the catalogue, or a file")
    parser.add_argument(
        "--gpu", action="append", metavar="NAME", help="a card; may be repeated, a few usual ones if not given"
    )
    parser.add_argument("--quantization", choices=("awq", "gptq", "fp8", "bf16"), help="how weights are made smaller")
    parser.add_argument("--context", type=_natural, metavar="N", help="tokens of a conversation, 4096 if not given")
    parser.add_argument("--concurrency", type=_natural, default=1, metavar="N", help="conversations that have to fit")
    parser.add_argument("--against", metavar="API-MODEL", help="compare with what this costs, such as gpt-4o-mini")
    parser.add_argument("--rent", type=_positive, metavar="USD", help="of a card and hour; as seen if not given")
    parser.add_argument(
        "--volume",
        type=_natural,
        metavar="N",
        help="tokens a day; those of --records or of a running ledger if not given",
    )
    parser.add_argument(
        "--records", metavar="FILE", help="records of `export`: what backends measured is shown beside, at their volume"
    )
    parser.add_argument("--vllm", metavar="VERSION", help="its version, the newest that is known if not given")
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_arguments(parser)


_MOST_DIGITS = 12


def _natural(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS and int(text)):
        raise argparse.ArgumentTypeError("a whole number above 0, such as 4096")
    return int(text)


_DEAREST = 1e9


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < _DEAREST:
        raise argparse.ArgumentTypeError("an amount above 0, such as 1.59")
    return value


def run(args: argparse.Namespace) -> int:
    from router.cli.size_text import article_text, measured_data, measured_lines, sizing_text
    from router.config.problems import PolicyError
    from router.config.sizing.article import corrected
    from router.config.sizing.as_json import article_json, sizing_json
    from router.config.sizing.catalogue import UnknownNameError, load_catalogue
    from router.config.sizing.sizing import USUAL_CARDS, cards_of, size, subject_of
    from router.simulate.readers.malformed import Malformed
    from router.simulate.traffic_of import OutOfOrder

    catalogue = load_catalogue()
    try:
        backends, recorded = _recorded(args.records)
        wanted = _wanted(args, catalogue, recorded)
        if args.model is None:
            rows = corrected(catalogue, wanted)
            print(article_json(rows, catalogue) if args.json else article_text(rows, catalogue))
            return 0
        subject = subject_of(args.model, catalogue)
        sizing = size(subject, cards_of(args.gpu or USUAL_CARDS, catalogue), wanted, catalogue)
    except (PolicyError, Malformed, OutOfOrder, OSError) as error:
        print(said(error), file=sys.stderr)
        return 1
    except (UnknownNameError, ValueError) as error:
        print(f"breakeven size: {error}", file=sys.stderr)
        return 2
    if args.json:
        beside = None if args.records is None else [measured_data(each) for each in backends]
        print(sizing_json(sizing, wanted, beside))
    else:
        print("\n".join([sizing_text(sizing, wanted), *measured_lines(backends)]))
    return 0 if any(each.fit.fits for each in sizing.options) else 1


def _recorded(path: str | None) -> tuple[list[BackendSpeed], Volume | None]:
    """Raises Malformed, OutOfOrder or OSError."""
    from router.simulate.measured import measured
    from router.simulate.readers.malformed import Malformed
    from router.simulate.readers.records import RECORDS
    from router.simulate.readers.registry import format_of_file, read
    from router.simulate.traffic_of import in_order

    if path is None:
        return [], None
    with reading(path):
        form = format_of_file(path)
        if form is not RECORDS:
            told = "which tells no backend: give what `breakeven export` writes"
            raise Malformed(path, 0, f"it is a trace ({form.name}), {told}")
        return measured(in_order(read(path)))


def _check_version(given: str, known: Sequence[str]) -> None:
    """Part by part as a number: 0.1 is older than 0.11. Raises ValueError."""
    from router.core.sizing.overhead import version_key

    try:
        older = version_key(given) < version_key(known[0])
    except ValueError:
        raise ValueError(f"{given} is no version of vLLM: one such as 0.32.0; {_changed_in(known)}") from None
    if older:
        raise ValueError(f"nothing is known of vLLM {given}, which is older than {known[0]}; {_changed_in(known)}")


def _changed_in(known: Sequence[str]) -> str:
    return f"what vLLM takes changed in {', '.join(known)}, and each holds up to the next"


def _wanted(args: argparse.Namespace, catalogue: Catalogue, recorded: Volume | None) -> Wanted:
    """Raises UnknownNameError, and ValueError for what is no version."""
    from datetime import UTC, datetime

    from router.cli.last_day import rows_of_last_day
    from router.config.sizing.api_price import api_price
    from router.config.sizing.sizing import Wanted

    if args.vllm is not None:
        _check_version(args.vllm, [each.since for each in catalogue.releases])
    volume = args.volume or (None if recorded is None else recorded.tokens_per_day)
    volume = volume or sum(row.own_tokens for row in rows_of_last_day(args)) or None
    return Wanted(
        quantization=args.quantization,
        context=args.context,
        concurrency=args.concurrency,
        rent=args.rent,
        volume=volume,
        against=None if args.against is None else api_price(args.against, datetime.now(UTC)),
        version=args.vllm,
    )
