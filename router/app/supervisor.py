"""Starts, watches and stops the processes of one gateway.

An embedded Valkey when no Redis is named, simulated backends when nothing real is, the cloud adapter when the
policy needs it, and the workers on one port. They stop in the opposite order, so that the last settlements
find the ledger.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Awaitable
from pathlib import Path

import msgspec

from router.app import logs
from router.app.children import Child
from router.app.defaults import Found, default_policy, look_around
from router.app.greeting import greeting
from router.app.lookup import served_model
from router.app.port import PortTaken, take_port
from router.app.reload import POLL_SECONDS, NotServable, check_servable
from router.app.settings import ServeSettings, WorkerSettings
from router.config.problems import PolicyError
from router.config.watch import PolicyFile
from router.core.policy import LitellmBackend
from router.core.values import Plan
from router.ledger.embedded import EmbeddedServer
from router.ledger.errors import EmbeddedServerError

SIMULATED = {"local": "vllm", "cloud": "openai"}
READY_SECONDS = 60.0
STOP_PATIENCE = 5.0
LONGEST_SOCKET_PATH = 100
ADAPTER_PYTHON = "BREAKEVEN_ADAPTER_PYTHON"

log = logging.getLogger("breakeven.supervisor")


class CannotServe(Exception):
    """Serving cannot begin; the text says why and what to do."""


def run(settings: ServeSettings) -> int:
    """Serve until SIGTERM or SIGINT. Returns the exit code."""
    logs.set_up()
    try:
        asyncio.run(Supervisor(settings).serve())
    except (CannotServe, PolicyError, NotServable, EmbeddedServerError, PortTaken) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


class Supervisor:
    def __init__(self, settings: ServeSettings) -> None:
        self._settings = settings
        self._data_dir = Path(settings.data_dir).expanduser().absolute()
        self._runtime_dir = _runtime_dir(self._data_dir)
        self._simulated: list[Child] = []
        self._workers: list[Child] = []
        self._adapter: Child | None = None
        self._adapted: dict[str, LitellmBackend] = {}
        self._embedded: EmbeddedServer | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._stop = asyncio.Event()

    async def serve(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        placeholder, port = take_port(self._settings.host, self._settings.port)
        try:
            with placeholder:
                await self._start(port)
                await self._stop.wait()
        finally:
            await self._end()

    # --- starting

    async def _start(self, port: int) -> None:
        settings = self._settings
        policy, found = await self._policy()
        file = PolicyFile(policy, with_secrets=True)
        plan = file.poll()
        if not isinstance(plan, Plan):
            raise plan or CannotServe(f"{policy} cannot be read")
        check_servable(plan, settings.host)
        redis = settings.redis or self._embed()
        self._keep(policy)
        await self._adapt(plan, policy)
        worker = WorkerSettings(policy, str(self._last_good), settings.host, port, redis, self._socket, settings.grace)
        self._workers = [self._worker(number, worker) for number in range(settings.workers)]
        await self._until_ready(self._workers)
        self._spawn(self._follow(file, policy))
        sys.stdout.write(greeting(f"http://{_printable(settings.host)}:{port}", plan, found, policy))
        sys.stdout.flush()

    async def _policy(self) -> tuple[str, Found]:
        """The path of the policy to serve, and what was found when that is the default one."""
        if self._settings.policy:
            return self._settings.policy, Found()
        found = look_around(os.environ)
        if found.nothing:
            found = Found(simulated=await self._simulate())
        elif found.vllm_url and not found.vllm_model:
            model = await asyncio.to_thread(served_model, found.vllm_url)
            if not model:
                raise CannotServe(
                    f"{found.vllm_url}/models does not answer, so the model's name is not known: "
                    "start vLLM first, or set VLLM_MODEL to the name that it serves"
                )
            found = msgspec.structs.replace(found, vllm_model=model)
        path = self._data_dir / "default-policy.yaml"
        path.write_text(default_policy(found), encoding="utf-8")
        return str(path), found

    async def _simulate(self) -> dict[str, str]:
        for zone, kind in SIMULATED.items():
            command = [sys.executable, "-m", "router.simulate", "--kind", kind]
            child = Child(f"simulated {zone} backend", command, ready=lambda line: line.startswith("listening on "))
            self._simulated.append(child)
            self._spawn(child.run_forever())
        await self._until_ready(self._simulated)
        urls = (child.ready_line.removeprefix("listening on ").rstrip("/") for child in self._simulated)
        return {zone: f"{url}/v1" for zone, url in zip(SIMULATED, urls, strict=True)}

    def _embed(self) -> str:
        """In this thread, because the server ends with the thread that started it."""
        self._embedded = EmbeddedServer(self._data_dir)
        return self._embedded.start()

    def _worker(self, number: int, settings: WorkerSettings) -> Child:
        command = [sys.executable, "-m", "router.app.worker"]
        child = Child(f"worker {number}", command, feed=msgspec.json.encode(settings) + b"\n")
        self._spawn(child.run_forever())
        return child

    async def _until_ready(self, children: list[Child]) -> None:
        """Raises CannotServe when one of them ends first, or none is ready in time."""
        try:
            async with asyncio.timeout(READY_SECONDS):
                await asyncio.gather(*(child.until_ready() for child in children))
        except TimeoutError:
            raise CannotServe(f"not ready after {READY_SECONDS:.0f} s; see the log above") from None
        except ChildProcessError as ended:
            raise CannotServe(f"{ended}; see the log above") from None

    # --- the policy

    @property
    def _last_good(self) -> Path:
        return self._data_dir / "last-good-policy.yaml"

    @property
    def _socket(self) -> str:
        return str(self._runtime_dir / "adapter.sock")

    def _keep(self, policy: str) -> None:
        """A worker that starts while the policy is broken serves this copy."""
        fresh = self._last_good.with_suffix(".new")
        shutil.copyfile(policy, fresh)
        fresh.replace(self._last_good)

    async def _follow(self, file: PolicyFile, policy: str) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            plan = await asyncio.to_thread(file.poll)
            if isinstance(plan, Plan):
                self._keep(policy)
                await self._adapt(plan, policy)

    async def _adapt(self, plan: Plan, policy: str) -> None:
        """Run the adapter that the plan needs, if it needs one; start it anew when its backends changed."""
        backends = plan.policy.backends.items()
        wanted = {name: backend for name, backend in backends if isinstance(backend, LitellmBackend)}
        if wanted == self._adapted:
            return
        self._adapted = wanted
        if self._adapter is not None:
            await self._adapter.stop(STOP_PATIENCE)
            self._adapter = None
        if wanted:
            python = os.environ.get(ADAPTER_PYTHON) or sys.executable
            command = [python, "-m", "router.adapter", "--policy", policy, "--socket", self._socket]
            self._adapter = Child("adapter", command, environment={"PYTHONPATH": _package_root()})
            self._spawn(self._adapter.run_forever())

    # --- ending

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _end(self) -> None:
        patience = self._settings.grace + STOP_PATIENCE
        await asyncio.gather(*(worker.stop(patience) for worker in self._workers))
        others = [*self._simulated, *([self._adapter] if self._adapter is not None else [])]
        await asyncio.gather(*(child.stop(STOP_PATIENCE) for child in others))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._embedded is not None:
            await asyncio.to_thread(self._embedded.stop)
        if self._runtime_dir != self._data_dir:
            shutil.rmtree(self._runtime_dir, ignore_errors=True)


def _runtime_dir(data_dir: Path) -> Path:
    """Where sockets go: the data directory, unless its path is too long for a socket's name."""
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    if len(str(data_dir / "adapter.sock")) <= LONGEST_SOCKET_PATH:
        return data_dir
    return Path(tempfile.mkdtemp(prefix="breakeven-"))


def _package_root() -> str:
    """So that another interpreter finds this very package."""
    import router

    return str(Path(router.__file__).parent.parent)


def _printable(host: str) -> str:
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104
    return f"[{shown}]" if ":" in shown else shown
