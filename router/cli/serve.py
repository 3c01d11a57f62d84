"""`breakeven serve`: run the gateway."""

from __future__ import annotations

import argparse
import os
import sys
from typing import get_args

from router.cli.given_files import refuse_pipe, said
from router.core.client_address import ProxyHeader, network_of

DEFAULT_DATA_DIR = "~/.breakeven"
TLS_VARIABLES = {"--tls-cert": "BREAKEVEN_TLS_CERT", "--tls-key": "BREAKEVEN_TLS_KEY"}


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "serve", help="run the gateway", description="Run the gateway until SIGTERM or Ctrl-C."
    )
    parser.add_argument(
        "--policy",
        default=os.environ.get("BREAKEVEN_POLICY", ""),
        metavar="FILE",
        help="policy file; made from the environment when left out",
    )
    parser.add_argument(
        "--accept-policy",
        action="store_true",
        help="serve the file as it is, also where it lost what protects: else what was last in force is served",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port", type=_port, default=8080, help="port to listen on, 0 for a free one (default: %(default)s)"
    )
    parser.add_argument("--workers", type=_positive, default=1, help="gateway processes (default: %(default)s)")
    parser.add_argument(
        "--redis",
        default=os.environ.get("BREAKEVEN_REDIS", ""),
        metavar="URL",
        help="Redis or Valkey; an embedded one when left out",
    )
    parser.add_argument(
        "--data-dir",
        default=os.environ.get("BREAKEVEN_DATA_DIR", DEFAULT_DATA_DIR),
        metavar="DIR",
        help="where the embedded server keeps its data (default: %(default)s)",
    )
    parser.add_argument(
        "--fsync",
        choices=("everysec", "always"),
        default="everysec",
        help="when the embedded server brings what it wrote to disk (default: %(default)s)",
    )
    parser.add_argument(
        "--grace",
        type=_seconds,
        default=30.0,
        metavar="SECONDS",
        help="time for running answers to finish on SIGTERM (default: %(default)s)",
    )
    for option, what in {"--tls-cert": "certificate chain", "--tls-key": "private key"}.items():
        parser.add_argument(
            option,
            default=os.environ.get(TLS_VARIABLES[option], ""),
            metavar="FILE",
            help=f"{what} for TLS on both ports, in PEM form, read again when it changes; plain HTTP without",
        )
    _add_admin(parser.add_argument_group("control plane: dashboard, API and metrics"))


def _add_admin(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--admin-host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    group.add_argument(
        "--admin-port", type=_port, default=8081, help="port to listen on, 0 for a free one (default: %(default)s)"
    )
    group.add_argument(
        "--admin-token-file",
        default="",
        metavar="FILE",
        help="holds the admin's token; by default $BREAKEVEN_ADMIN_TOKEN, or one made at the first start",
    )
    group.add_argument(
        "--viewer-token-file",
        default="",
        metavar="FILE",
        help="holds a token for those who may look only; by default $BREAKEVEN_VIEWER_TOKEN",
    )
    group.add_argument(
        "--oidc-file",
        default="",
        metavar="FILE",
        help="names the OpenID Connect provider that people sign in with, and what its groups may: see docs/sign-in.md",
    )
    group.add_argument(
        "--admin-allowed-host",
        action="append",
        default=[],
        metavar="NAME",
        help="another name that it may be called by, such as that of a proxy before it; may be repeated",
    )
    group.add_argument(
        "--admin-trusted-proxy",
        action="append",
        default=[],
        type=_network,
        metavar="ADDRESS",
        help="address or network (10.0.0.0/8) of a proxy whose X-Forwarded-For or Forwarded counts as where somebody"
        " asks from; may be repeated",
    )
    group.add_argument(
        "--admin-proxy-header",
        choices=get_args(ProxyHeader),
        help="the one of both that the proxy writes: a client may send the other",
    )


def run(args: argparse.Namespace) -> int:
    try:
        for file in (args.tls_cert, args.tls_key, args.admin_token_file, args.viewer_token_file, args.oidc_file):
            refuse_pipe(file)
    except OSError as error:
        print(said(error), file=sys.stderr)
        return 1
    return _serve(args)


def _serve(args: argparse.Namespace) -> int:
    from router.app.settings import ServeSettings
    from router.app.supervisor import run as serve

    return serve(
        ServeSettings(
            policy=args.policy,
            accept_policy=args.accept_policy,
            host=args.host,
            port=args.port,
            workers=args.workers,
            redis=args.redis,
            data_dir=args.data_dir,
            fsync=args.fsync,
            grace=args.grace,
            admin_host=args.admin_host,
            admin_port=args.admin_port,
            admin_token_file=args.admin_token_file,
            viewer_token_file=args.viewer_token_file,
            oidc_file=args.oidc_file,
            admin_allowed_hosts=tuple(args.admin_allowed_host),
            admin_trusted_proxies=tuple(args.admin_trusted_proxy),
            admin_proxy_header=args.admin_proxy_header,
            tls_cert=args.tls_cert,
            tls_key=args.tls_key,
        )
    )


_YEAR = 31_622_400.0
_MOST_WORKERS = 1024


def _network(text: str) -> str:
    try:
        return str(network_of(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _positive(text: str) -> int:
    value = int(text)
    if not 1 <= value <= _MOST_WORKERS:
        raise argparse.ArgumentTypeError(f"must be from 1 to {_MOST_WORKERS}")
    return value


def _port(text: str) -> int:
    value = int(text)
    if not 0 <= value <= 65535:
        raise argparse.ArgumentTypeError("must be from 0 to 65535")
    return value


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 <= value <= _YEAR:
        raise argparse.ArgumentTypeError("must be a number of seconds, at least 0 and at most a year of them")
    return value
