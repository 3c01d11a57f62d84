"""`make prove WHAT=clients`: runs every client and writes docs/clients.md.

    python -m tests.clients docs/clients.md
    python -m tests.clients --only codex --where provider

It ends with 1 when anything is not as it has to be, and says what.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
import urllib.request
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

TESTS = Path(__file__).parents[1]
sys.path.insert(0, str(TESTS))

from clients import confined  # noqa: E402
from clients.page import document  # noqa: E402
from clients.play import Outcome, play  # noqa: E402
from clients.registry import CLIENTS  # noqa: E402
from clients.worlds import in_front_of_a_provider, in_front_of_a_vllm  # noqa: E402

REAL = os.environ.get("REAL_VLLM_URL", "http://127.0.0.1:8123/v1").rstrip("/").removesuffix("/v1")
MODEL = os.environ.get("REAL_VLLM_MODEL", "smollm2-135m")
_WAY_OUT = "BREAKEVEN_CLIENTS_VLLM"
"""A unix socket that leads to the vLLM, from within a network that has none."""


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("document", nargs="?", default="")
    parser.add_argument("--only", default="", help="clients whose names or scripts contain this")
    parser.add_argument("--where", default="", help="provider or vllm")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started is put away
    if not confined.inside():
        if missing := [program for program in ("unshare", "node", "java") if shutil.which(program) is None]:
            parser.error(f"clients need what is not installed here: {', '.join(missing)}")
        return _outside(arguments)
    confined.raise_loopback()
    outcomes = run(options.only, options.where)
    wrong = [f"{each.client}, in front of {each.world}: {one}" for each in outcomes for one in each.wrong]
    print(f"{len(outcomes)} runs, {sum(len(each.did) for each in outcomes)} things done, {len(wrong)} wrong:")
    for one in wrong:
        print(f"  {one}")
    if options.document and not (options.only or options.where):
        Path(options.document).write_text(document(outcomes, with_vllm=_WAY_OUT in os.environ))
    return 1 if wrong else 0


def run(only: str = "", where: str = "") -> list[Outcome]:
    clients = [each for each in CLIENTS if only.lower() in f"{each.name} {each.script}".lower()]
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="clients-") as name:
        folder = Path(name)
        if where in ("", "provider"):
            with in_front_of_a_provider(folder / "provider") as world:
                outcomes += [_told(play(each, world, folder / "homes" / each.key)) for each in clients]
        if where in ("", "vllm") and (way_out := os.environ.get(_WAY_OUT)):
            at = ("127.0.0.1", urlsplit(REAL).port or 80)
            with (
                confined.relayed(at, Path(way_out)),
                in_front_of_a_vllm(folder / "vllm", f"http://127.0.0.1:{at[1]}/v1", MODEL) as world,
            ):
                homes = folder / "homes-vllm"
                outcomes += [_told(play(each, world, homes / each.key)) for each in clients if not each.not_small]
    return outcomes


def _told(outcome: Outcome) -> Outcome:
    print(f"{outcome.client}, {outcome.world}: {', '.join(outcome.did)}; {len(outcome.wrong)} wrong", flush=True)
    return outcome


def _outside(arguments: Sequence[str]) -> int:
    """The same once more without a network, and with a way to the vLLM where there is one."""
    with ExitStack() as stack:
        os.environ.pop(_WAY_OUT, None)
        if _answers():
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="way-out-")))
            parts = urlsplit(REAL)
            stack.enter_context(confined.relayed(folder / "s", (parts.hostname or "127.0.0.1", parts.port or 80)))
            os.environ[_WAY_OUT] = str(folder / "s")
        else:
            print(f"no vLLM answers at {REAL}/health: that part is left out; REAL_VLLM_URL names one")
        return confined.again("tests.clients", arguments)


def _answers() -> bool:
    try:
        with urllib.request.urlopen(f"{REAL}/health", timeout=5):
            return True
    except OSError:
        return False


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
