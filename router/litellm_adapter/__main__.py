"""The adapter process: `python -m router.litellm_adapter --policy FILE --socket PATH`.

Prints `listening on unix:PATH` when ready; stops on SIGTERM and with its parent. Ends with status 1 and a
message when the policy is broken or litellm is missing or must not be used.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys

from router.config.load import load
from router.config.problems import PolicyError
from router.config.secrets import MissingSecretError, resolve
from router.litellm_adapter.api import application
from router.litellm_adapter.backends import AdapterBackend, from_policy
from router.litellm_adapter.forked import Beat, keep_serving
from router.litellm_adapter.installed import UnusableError, check_version, installed_version
from router.litellm_adapter.litellm_calls import Litellm
from router.litellm_adapter.litellm_environment import prepare
from router.litellm_adapter.redact import Redactor, environment_secrets
from router.litellm_adapter.serve import serve_until_stopped
from router.upstream.outbound_guard import OutboundGuard


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m router.litellm_adapter", description="Providers behind the litellm library."
    )
    parser.add_argument("--policy", required=True)
    parser.add_argument("--socket", required=True)
    # Importing litellm has taken seconds by now: whoever started this may be gone, and our parent another one.
    parser.add_argument("--supervisor", type=int, default=os.getppid(), help="process that this one ends with")
    parser.add_argument("--grace", type=float, default=5.0, help="seconds that answers have to end after SIGTERM")
    given = parser.parse_args()
    try:
        check_version(installed_version())
        backends = from_policy(load(given.policy).policy, lambda reference: resolve(reference).reveal())
    except (UnusableError, PolicyError, MissingSecretError) as error:
        sys.exit(str(error))
    _run(backends, given.socket, given.supervisor, given.grace)


def _run(backends: dict[str, AdapterBackend], path: str, supervisor: int, grace: float) -> None:
    _log_to_stderr()
    redactor = Redactor(_secrets(backends))
    prepare(os.environ)
    OutboundGuard(host for backend in backends.values() for host in backend.reach).install()
    app = application(backends, Litellm(), redactor)

    def serve(beat: Beat) -> None:
        try:
            asyncio.run(serve_until_stopped(app, path, lambda: _announce(path), supervisor, beat, grace))
        except OSError as error:
            sys.stderr.write(f"cannot listen on {path}: {error.strerror}\n")

    keep_serving(serve, supervisor)
    logging.shutdown()
    os._exit(0)  # taking litellm's modules apart takes seconds, which whoever waits for the next adapter would wait too


def _secrets(backends: dict[str, AdapterBackend]) -> list[str]:
    keys = [backend.api_key for backend in backends.values() if backend.api_key is not None]
    return [*keys, *environment_secrets(os.environ)]


def _announce(path: str) -> None:
    sys.stdout.write(f"listening on unix:{path}\n")
    sys.stdout.flush()


def _log_to_stderr() -> None:
    log = logging.getLogger("breakeven.adapter")
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False


if __name__ == "__main__":
    main()
