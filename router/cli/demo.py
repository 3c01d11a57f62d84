"""`breakeven demo`: a day of traffic between simulated backends."""

from __future__ import annotations

import argparse


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "demo",
        help="watch a day of traffic switch a GPU on and off, with simulated backends",
        description="Starts the gateway, its dashboard and two simulated backends, and replays a day of traffic at "
        "high speed, so that you can watch the GPU being switched on and off. Nothing leaves this machine.",
    )
    parser.add_argument(
        "--day", type=_seconds, default=100.0, metavar="SECONDS", help="how long the day takes (default: %(default)g)"
    )
    parser.add_argument("--once", action="store_true", help="end when the day is over")
    parser.add_argument(
        "--port", type=_port, default=8080, help="port of the gateway, 0 for a free one (default: %(default)s)"
    )
    parser.add_argument(
        "--admin-port", type=_port, default=8081, help="port of the dashboard, 0 for a free one (default: %(default)s)"
    )
    parser.add_argument(
        "--data-dir", default="", metavar="DIR", help="keep the ledger here; by default it is removed at the end"
    )


def run(args: argparse.Namespace) -> int:
    from router.app.demo import DemoSettings
    from router.app.demo import run as play

    return play(DemoSettings(args.port, args.admin_port, args.data_dir, args.day, args.once))


def _port(text: str) -> int:
    value = int(text)
    if not 0 <= value <= 65535:
        raise argparse.ArgumentTypeError("must be from 0 to 65535")
    return value


_YEAR = 31_622_400.0


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value <= _YEAR:
        raise argparse.ArgumentTypeError("must be a number of seconds above 0 and at most a year of them")
    return value
