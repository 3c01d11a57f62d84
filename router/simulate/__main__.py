"""A pretended backend as a process: `python -m router.simulate --kind vllm|openai`.

Prints one line, `listening on http://HOST:PORT`, when it is ready; stops on SIGTERM and with its parent.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from router.simulate import openai_api, vllm_api
from router.simulate.serve import serve_until_stopped
from router.simulate.settings import Settings

_APPLICATIONS = {"vllm": vllm_api.application, "openai": openai_api.application}
_MODELS = {"vllm": ("simulated-llama",), "openai": ("gpt-4o-mini", "text-embedding-3-small")}


def main() -> None:
    given = _parser().parse_args()
    app = _APPLICATIONS[given.kind](_settings(given))
    try:
        asyncio.run(serve_until_stopped(app, given.host, given.port, _announce))
    except OSError as error:
        sys.exit(f"cannot listen on {given.host}:{given.port}: {error.strerror}")


def _announce(url: str) -> None:
    sys.stdout.write(f"listening on {url}\n")
    sys.stdout.flush()


def _settings(given: argparse.Namespace) -> Settings:
    return Settings(
        models=tuple(given.model or _MODELS[given.kind]),
        any_model=not given.model,
        tokens_per_second=given.tokens_per_second,
        first_token=given.first_token,
        context=given.context,
        slots=given.slots,
        kv_tokens=given.kv_tokens,
        api_key=given.api_key,
        switch=given.switch,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m router.simulate", description="A backend that pretends, and says so."
    )
    parser.add_argument("--kind", choices=sorted(_APPLICATIONS), required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument(
        "--model", action="append", help="a model to serve; may be given several times; openai serves any where none is"
    )
    parser.add_argument("--tokens-per-second", type=_positive, default=60.0, help="of each request")
    parser.add_argument("--first-token", type=float, default=0.05, help="seconds to the first token")
    parser.add_argument("--context", type=int, default=8192, help="tokens of input and output together")
    parser.add_argument("--slots", type=int, default=8, help="vllm: requests that run at once, the others wait")
    parser.add_argument("--kv-tokens", type=int, default=65536, help="vllm: tokens that fit the KV cache")
    parser.add_argument("--switch", default="", metavar="FILE", help="vllm: answers only while this file says on")
    parser.add_argument("--api-key", help="a key to ask for; it is not a secret here")
    return parser


def _positive(text: str) -> float:
    value = float(text)
    if value <= 0:
        raise argparse.ArgumentTypeError("must be above 0")
    return value


if __name__ == "__main__":
    main()
