"""A gateway with a ledger of its own, on a CPU of their own."""

from __future__ import annotations

import http.client
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from valkey import Valkey

from router.ledger.server.embedded import EmbeddedServer
from tests.bench import checks, procs, traffic
from tests.bench.peers import HOME
from tests.bench.scale import signed_in

ADMIN_TOKEN = "bench-admin-0123456789abcdef0123456789abcdef"
PATIENCE = 90.0
_POLICY = Path(__file__).parents[1] / "policy.yaml"


@dataclass(frozen=True)
class Gateway:
    port: int
    admin_port: int
    policy: Path
    ledger: Valkey
    ledger_url: str
    upstream_port: int
    _tree: procs.Tree
    _server: EmbeddedServer
    people: Mapping[str, str]
    """Cookies of those who are signed in."""

    def pid_of(self, module: str) -> int:
        """Of the process that runs a module, such as `router.app.worker`. Raises LookupError."""
        for pid in self._tree.pids():
            if module.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
                return pid
        raise LookupError(f"no process runs {module}")

    def control_cpu(self) -> tuple[float, float]:
        """Seconds of the control plane so far, and of the ledger's server."""
        assert self._server.pid is not None
        control = self.pid_of("router.app.control_plane")
        return procs.process_seconds(control), procs.process_seconds(self._server.pid)

    def cpu(self) -> tuple[float, float]:
        """Seconds of the gateway's processes so far, and of the ledger's server."""
        assert self._server.pid is not None
        return sum(map(procs.process_seconds, self._tree.pids())), procs.process_seconds(self._server.pid)


@contextmanager
def started(
    upstream_port: int,
    fill: Callable[[Valkey], None],
    key: str,
    more: str = "",
    people: Callable[[Path], Mapping[str, str]] = lambda data_dir: {},
) -> Iterator[Gateway]:
    """One worker that serves `key`, over a ledger that `fill` was given first. `more` is added to the policy; `people`
    signs some in, see `signed_in`."""
    HOME.mkdir(exist_ok=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="scale-", dir=HOME)))
        server = EmbeddedServer(folder / "ledger", fsync="no")
        url = server.start()
        stack.callback(server.stop)
        assert server.pid is not None
        ledger = stack.enter_context(Valkey.from_url(url))
        fill(ledger)
        os.sched_setaffinity(server.pid, {procs.PROXY_CPU})
        policy = folder / "policy.yaml"
        policy.write_text(_POLICY.read_text().replace("127.0.0.1:8000", f"127.0.0.1:{upstream_port}") + more)
        port, admin_port = procs.free_port(), procs.free_port()
        cookies = people(folder / "data")
        sign_in = folder / "sign-in.yaml"
        sign_in.write_text(signed_in.FILE)
        where = [
            "--policy",
            str(policy),
            "--redis",
            url,
            "--data-dir",
            str(folder / "data"),
            "--oidc-file",
            str(sign_in),
        ]
        environment = {"BENCH_CLOUD_KEY": "bench-upstream-key", "BREAKEVEN_ADMIN_TOKEN": ADMIN_TOKEN}
        command = [
            sys.executable,
            "-m",
            "router",
            "serve",
            *where,
            "--port",
            str(port),
            "--admin-port",
            str(admin_port),
        ]
        command += ["--host", "127.0.0.1", "--workers", "1"]
        tree = procs.Tree(command, procs.PROXY_CPU, folder / "log", environment)
        stack.callback(tree.stop)
        _wait_for(tree, port, key)
        yield Gateway(port, admin_port, policy, ledger, url, upstream_port, tree, server, cookies)


def _wait_for(tree: procs.Tree, port: int, key: str) -> None:
    why, deadline = "no answer", time.monotonic() + PATIENCE
    while tree.running and time.monotonic() < deadline:
        try:
            checks.right_answer(port, key)
            return
        except (OSError, http.client.HTTPException, traffic.WrongAnswerError) as error:
            why = str(error)
        time.sleep(0.05)
    sys.exit(f"the gateway did not start: {why}; its log ends: {tree.last_words()}")
