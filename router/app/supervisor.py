"""Starts, watches and stops the processes of one gateway.

An embedded Valkey when no Redis is named, simulated backends when nothing real is, the cloud adapter when the
policy needs it, or a request does, Presidio for a policy that seeks entities, and the workers on one port. They stop in
the opposite order, so that the last settlements find the ledger.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import shutil
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from router.admin.auth.oidc.settings import OidcSettings
from router.admin.auth.oidc.settings_file import read_settings
from router.admin.auth.tokens import Taken, TokenUnusable, take_tokens, was_shown
from router.admin.settings import AdminSettings
from router.app import logs
from router.app.adapter_environment import adapter_python, untranslated
from router.app.adapter_keeper import LINK, AdapterKeeper
from router.app.certificate_watch import warn_of_plain_http
from router.app.child_process import PYTHON, ChildProcess
from router.app.data_dir import LAST_GOOD, DataDirUnusable, journal_folder, runtime_dir, take_data_dir, wakes_folder
from router.app.defaults import Found, default_policy, look_around, unusable
from router.app.listening_port import PortTaken, take_port
from router.app.presidio_keeper import PresidioKeeper
from router.app.reload import NOT_TAKEN_AT_START, POLL_SECONDS, NotServable, check_servable, keep_copy, warn
from router.app.served_model import served_model, until_served
from router.app.settings import ServeSettings, WorkerSettings
from router.app.startup_message import Dashboard, greeting
from router.app.valkey_keeper import ValkeyKeeper
from router.config.problems import PolicyError
from router.config.watch import PolicyFile, refusal
from router.core.backend_kinds import Backend, LitellmBackend
from router.core.sensitivity.entities import entity_search
from router.core.values import Plan
from router.ledger.errors import EmbeddedServerError
from router.ledger.server.address import parse_address
from router.system.atomic_file import replace_file
from router.system.certificate import CertificateUnusable, certificate_of

ALLOCATION = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": str(4 * 1024 * 1024),
    "MALLOC_TRIM_THRESHOLD_": str(32 * 1024 * 1024),
}
"""For workers. glibc keeps for each thread what large answers needed there once, and never gives most of it back. And
what is above the second figure grows without being copied: a body of 48 MB, which is put together as it comes, would
otherwise be copied as it exceeds 32 MB, while all others wait."""
SIMULATED = {"local": "vllm", "cloud": "openai"}
READY_SECONDS = 60.0
STOP_PATIENCE = 5.0
ASKED_SECONDS = 0.2
"""So often it is looked whether a request needs the adapter, while none runs."""
PRIVATE = 0o077
"""What this process and all that it starts leave out of the modes of their files: nobody else is to read them."""

log = logging.getLogger("breakeven.supervisor")


class CannotServe(Exception):
    """Serving cannot begin; the text says why and what to do."""


class Served(Struct, frozen=True):
    """What is served: its URL, the dashboard's, and the path of the policy."""

    url: str
    dashboard: str
    policy: str


Then = Callable[[Served], Coroutine[Any, Any, None]]


async def nothing_more(served: Served) -> None:
    """What `breakeven serve` does after its greeting."""


def run(settings: ServeSettings) -> int:
    """Serve until SIGTERM or SIGINT. Returns the exit code."""
    return exit_code(Supervisor(settings).serve())


def exit_code(serving: Coroutine[Any, Any, None]) -> int:
    """Of a process that serves and does nothing else; says why when it cannot."""
    logs.set_up()
    os.umask(PRIVATE)
    try:
        asyncio.run(serving)
    except (
        CannotServe,
        PolicyError,
        NotServable,
        EmbeddedServerError,
        PortTaken,
        DataDirUnusable,
        TokenUnusable,
    ) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


class Supervisor:
    """`then` runs once everything is served; it is cancelled when serving ends."""

    def __init__(self, settings: ServeSettings, then: Then = nothing_more) -> None:
        self._settings = settings
        self._then = then
        self._following: asyncio.Task[None] | None = None
        self._data_dir = Path(settings.data_dir).expanduser().absolute()
        self._runtime_dir = self._data_dir
        self._simulated: list[ChildProcess] = []
        self._workers: list[ChildProcess] = []
        self._control: ChildProcess | None = None
        self._adapters: AdapterKeeper | None = None
        self._adapted: dict[str, Backend] = {}
        self._presidios: PresidioKeeper | None = None
        self._keeper: ValkeyKeeper | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._stop = asyncio.Event()
        self._playground_secret = secrets.token_hex(32)

    async def serve(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        _check_redis(self._settings.redis)
        _check_tls(self._settings)
        claim, port = take_port(self._settings.host, self._settings.port)
        admin_claim, admin_port = take_port(self._settings.admin_host, self._settings.admin_port, "--admin-port")
        lock = take_data_dir(self._data_dir)
        self._runtime_dir = runtime_dir(self._data_dir)
        try:
            with claim, admin_claim:
                await self._unless_stopped(self._start(port, admin_port))
                await self._stop.wait()
        finally:
            await self._end()
            os.close(lock)

    async def _unless_stopped(self, work: Coroutine[Any, Any, None]) -> None:
        """A signal during a start that takes long ends it."""
        both = asyncio.ensure_future(work), asyncio.ensure_future(self._stop.wait())
        done, pending = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for each in pending:
            each.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        for each in done:
            each.result()

    # --- starting

    async def _start(self, port: int, admin_port: int) -> None:
        settings = self._settings
        tokens = take_tokens(self._data_dir, settings.admin_token_file, settings.viewer_token_file, os.environ)
        oidc = await asyncio.to_thread(read_settings, settings.oidc_file) if settings.oidc_file else None
        loop = asyncio.get_running_loop()
        feed: asyncio.Future[bytes] = loop.create_future()
        admin_feed: asyncio.Future[bytes] = loop.create_future()
        # Children import what they need while all else is made ready.
        self._control = self._control_plane(admin_feed)
        self._workers = [self._worker(number, feed) for number in range(settings.workers)]
        embedding, planning = asyncio.ensure_future(self._redis()), asyncio.ensure_future(self._first_plan())
        try:
            redis, (file, plan, found) = await asyncio.gather(embedding, planning)
        finally:  # when one fails, the other must not go on
            embedding.cancel()
            planning.cancel()
        if self._keeper is not None:
            self._spawn(self._keeper.watch())
        policy, last_good = str(file.path), str(self._last_good)
        journal = str(journal_folder(self._data_dir, settings.redis))
        worker = WorkerSettings(
            policy=policy,
            last_good=last_good,
            host=settings.host,
            port=port,
            redis=redis,
            adapter_socket=self._socket,
            presidio_folder=str(self._runtime_dir),
            untranslated=untranslated(),
            grace=settings.grace,
            journal=journal,
            wakes=str(wakes_folder(self._data_dir)),
            playground_secret=self._playground_secret,
            tls_cert=_absolute(settings.tls_cert),
            tls_key=_absolute(settings.tls_key),
        )
        feed.set_result(msgspec.json.encode(worker) + b"\n")
        pretended = settings.simulated or bool(found.simulated)
        control = self._admin(policy, redis, (port, admin_port), tokens, oidc=oidc, simulated=pretended)
        admin_feed.set_result(msgspec.json.encode(control) + b"\n")
        await self._until_ready(self._workers)
        await self._until_adapted()
        if (presidio := self._presidio().latest) is not None:
            await self._until_ready([presidio])
        self._spawn(self._follow(file, policy))
        self._spawn(self._adapt_once_asked())
        told = asyncio.to_thread(warn, plan, policy, pretended=not settings.policy)
        await asyncio.gather(self._until_controlled(), told)
        if not settings.tls_cert:
            warn_of_plain_http({"--host": settings.host, "--admin-host": settings.admin_host})
        scheme = "https" if settings.tls_cert else "http"
        url = f"{scheme}://{_printable(settings.host)}:{port}"
        admin_url = f"{scheme}://{_printable(settings.admin_host)}:{admin_port}"
        dashboard = Dashboard(admin_url, tokens.admin if tokens.fresh else "", tokens.kept_in)
        sys.stdout.write(greeting(url, plan, found, policy, self._lost_ledger(), dashboard, key=settings.shown_key))
        sys.stdout.flush()
        # Only now: a start that fails before must not use up the one time at which it is shown.
        was_shown(self._data_dir)
        self._following = asyncio.create_task(self._then(Served(url, admin_url, policy)))

    def stop(self) -> None:
        """As SIGTERM does."""
        self._stop.set()

    async def _first_plan(self) -> tuple[PolicyFile, Plan, Found]:
        """Raises PolicyError and NotServable."""
        policy, found = await self._policy()
        file = PolicyFile(policy, with_secrets=True, last_good=self._last_good)
        plan = await asyncio.to_thread(file.poll)
        if not isinstance(plan, Plan):
            raise plan or CannotServe(f"{policy} cannot be read")
        kept = await asyncio.to_thread(self._kept_instead, file, plan)
        plan = kept or plan
        check_servable(plan, self._settings.host)
        if kept is None and not keep_copy(plan, policy, self._last_good):
            raise CannotServe(f"{policy} was changed while it was read; start again")
        await self._adapt(plan)
        self._presidio().renew(entity_search(plan))
        return file, plan, found

    def _kept_instead(self, file: PolicyFile, plan: Plan) -> Plan | None:
        """What was in force before this start, where the file has an edit that was refused then, or would have been:
        that nobody was there when the machine started anew is no consent. None where the file counts."""
        if self._settings.accept_policy or not self._settings.policy:
            return None
        refused = refusal(file.path, plan, self._last_good)
        if refused is None:
            return None
        try:
            kept, _ = file.resume(with_secrets=True)
        except PolicyError as error:
            log.error("the copy of the last good policy cannot be served: the file is", extra={"why": str(error)})
            return None
        log.error(NOT_TAKEN_AT_START, extra={"problems": str(refused).splitlines(), "policy": kept.version})
        return kept

    async def _policy(self) -> tuple[str, Found]:
        """The path of the policy to serve, and what was found when that is the default one."""
        if self._settings.policy:
            return self._settings.policy, Found()
        if wrong := unusable(os.environ):
            raise CannotServe(wrong)
        found = look_around(os.environ)
        if found.nothing:
            found = Found(simulated=await self._simulate())
        elif found.vllm_url and not found.vllm_model:
            model = await asyncio.to_thread(served_model, found.vllm_url)
            if not model and not found.cloud:
                raise CannotServe(
                    f"{found.vllm_url}/models does not answer, so the model's name is not known: "
                    "start vLLM first, or set VLLM_MODEL to the name that it serves"
                )
            found = msgspec.structs.replace(found, vllm_model=model)
        path = self._data_dir / "default-policy.yaml"
        if found.vllm_url and not found.vllm_model:
            self._spawn(self._name_model(path, found))
        path.touch(mode=0o600)
        path.write_text(default_policy(found), encoding="utf-8")
        return str(path), found

    async def _name_model(self, path: Path, found: Found) -> None:
        """Once the vLLM answers, the default policy is written anew with its model; whoever follows it adopts it."""
        log.warning("vLLM does not answer, its model is served once it does")
        model = await until_served(found.vllm_url)
        replace_file(path, default_policy(msgspec.structs.replace(found, vllm_model=model)).encode())
        log.info("vLLM answers, its model is served", extra={"model": model})

    async def _simulate(self) -> dict[str, str]:
        for zone, kind in SIMULATED.items():
            command = [*PYTHON, "router.simulate", "--kind", kind]
            child = ChildProcess(
                f"simulated {zone} backend", command, ready=lambda line: line.startswith("listening on ")
            )
            self._simulated.append(child)
            self._spawn(child.run_forever())
        await self._until_ready(self._simulated)
        urls = [child.ready_line.removeprefix("listening on ").rstrip("/") for child in self._simulated]
        for child, url in zip(self._simulated, urls, strict=True):
            child.from_now_on("--port", url.rpartition(":")[2])
        return {zone: f"{url}/v1" for zone, url in zip(SIMULATED, urls, strict=True)}

    async def _redis(self) -> str:
        """The URL of the ledger's server, which is ours when none was named."""
        if self._settings.redis:
            return self._settings.redis
        self._keeper = ValkeyKeeper(self._data_dir, self._settings.fsync)
        return await self._keeper.start()

    def _worker(self, number: int, feed: asyncio.Future[bytes]) -> ChildProcess:
        child = ChildProcess(
            f"worker {number}",
            [*PYTHON, "router.app.worker"],
            feed=feed,
            environment={name: value for name, value in ALLOCATION.items() if name not in os.environ},
            ready=lambda line: line.startswith("ready"),
            beats=True,
        )
        self._spawn(child.run_forever())
        return child

    def _control_plane(self, feed: asyncio.Future[bytes]) -> ChildProcess:
        child = ChildProcess("control plane", [*PYTHON, "router.app.control_plane"], feed=feed, beats=True)
        self._spawn(child.run_forever())
        return child

    def _admin(
        self,
        policy: str,
        redis: str,
        ports: tuple[int, int],
        tokens: Taken,
        *,
        oidc: OidcSettings | None,
        simulated: bool,
    ) -> AdminSettings:
        """`ports`: the gateway's and the control plane's."""
        settings = self._settings
        return AdminSettings(
            policy=policy,
            last_good=str(self._last_good),
            generated=not settings.policy,
            host=settings.admin_host,
            port=ports[1],
            gateway_host=settings.host,
            gateway_port=ports[0],
            playground_secret=self._playground_secret,
            redis=redis,
            data_dir=str(self._data_dir),
            admin_token=tokens.admin,
            viewer_token=tokens.viewer,
            oidc=oidc,
            allowed_hosts=settings.admin_allowed_hosts,
            trusted_proxies=settings.admin_trusted_proxies,
            proxy_header=settings.admin_proxy_header,
            tls_cert=_absolute(settings.tls_cert),
            tls_key=_absolute(settings.tls_key),
            simulated=simulated,
        )

    async def _until_controlled(self) -> None:
        """Requests are served without it."""
        assert self._control is not None
        try:
            await self._until_ready([self._control])
        except CannotServe as error:
            log.error("serving without the control plane", extra={"why": str(error)})

    def _lost_ledger(self) -> str:
        """Why the workers cannot reach the ledger; empty when they can."""
        return next(filter(None, (worker.ready_line.removeprefix("ready").strip() for worker in self._workers)), "")

    async def _until_ready(self, children: list[ChildProcess]) -> None:
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
        return self._data_dir / LAST_GOOD

    @property
    def _socket(self) -> str:
        return str(self._runtime_dir / LINK)

    async def _follow(self, file: PolicyFile, policy: str) -> None:
        """Workers follow the policy on their own, and report what is wrong with it."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                plan = await asyncio.to_thread(file.poll)
                if isinstance(plan, Plan):
                    await self._take_over(plan, policy)
            except NotServable:
                continue
            except Exception:  # the next edit must be seen all the same
                log.exception("policy not taken over")

    async def _take_over(self, plan: Plan, policy: str) -> None:
        check_servable(plan, self._settings.host)
        if keep_copy(plan, policy, self._last_good):
            self._presidio().renew(entity_search(plan))
            await asyncio.to_thread(warn, plan, policy)
            await self._adapt(plan)

    async def _adapt(self, plan: Plan) -> None:
        """Run the adapter that the plan needs, if it needs one; when its backends changed, another one takes its
        place once it answers.

        It reads the copy of the last good policy, so that it can start while the policy is broken.
        """
        backends = plan.policy.backends.items()
        others = not untranslated()
        wanted = {
            name: backend
            for name, backend in backends
            if isinstance(backend, LitellmBackend) or (others and backend.translated)
        }
        if wanted == self._adapted:
            return
        self._adapted = wanted
        await self._adapter().renew(wanted=self._adapter_needed())

    def _adapter_needed(self) -> bool:
        """Backends of other kinds need it for what they do not speak alone: once there is a request of that kind."""
        return any(isinstance(each, LitellmBackend) for each in self._adapted.values()) or (
            bool(self._adapted) and self._adapter().status.asked
        )

    async def _adapt_once_asked(self) -> None:
        while True:
            await asyncio.sleep(ASKED_SECONDS)
            if self._adapter().latest is None and self._adapter_needed():
                await self._adapter().renew(wanted=True)

    def _adapter(self) -> AdapterKeeper:
        if self._adapters is None:
            drain = self._settings.grace
            self._adapters = AdapterKeeper(
                self._runtime_dir, self._adapter_on, self._spawn, drain=drain, patience=STOP_PATIENCE
            )
        return self._adapters

    def _adapter_on(self, path: str, changed: Callable[[], None]) -> ChildProcess:
        told = ["--policy", str(self._last_good), "--socket", path, "--supervisor", str(os.getpid())]
        told += ["--grace", str(self._settings.grace)]
        return ChildProcess(
            "adapter",
            [adapter_python(), "-P", "-m", "router.litellm_adapter", *told],
            ready=lambda line: line.startswith("listening on "),
            environment={"PYTHONPATH": _package_root()},
            changed=changed,
        )

    async def _until_adapted(self) -> None:
        """The adapter's own backends need it; the others can do without, but for what they do not speak."""
        adapter = self._adapter().latest
        if adapter is None or not any(isinstance(each, LitellmBackend) for each in self._adapted.values()):
            return
        try:
            await self._until_ready([adapter])
        except CannotServe as error:
            log.error("serving without the adapter", extra={"why": str(error)})

    def _presidio(self) -> PresidioKeeper:
        if self._presidios is None:
            self._presidios = PresidioKeeper(self._runtime_dir, _package_root(), self._spawn, STOP_PATIENCE)
        return self._presidios

    # --- ending

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _end(self) -> None:
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)
        patience = self._settings.grace + STOP_PATIENCE
        await asyncio.gather(*(worker.stop(patience) for worker in self._workers))
        others = [*self._simulated, *(each for each in (self._control,) if each is not None)]
        await asyncio.gather(
            self._adapter().stop(), self._presidio().stop(), *(child.stop(STOP_PATIENCE) for child in others)
        )
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._keeper is not None:
            await self._keeper.stop()
        if self._runtime_dir != self._data_dir:
            shutil.rmtree(self._runtime_dir, ignore_errors=True)


def _check_redis(url: str) -> None:
    """Raises CannotServe for a URL that no server can be found at."""
    try:
        if url:
            parse_address(url)
    except ValueError as error:
        raise CannotServe(f"--redis: {error}") from None


def _check_tls(settings: ServeSettings) -> None:
    """Raises CannotServe for files that TLS cannot be spoken with."""
    try:
        certificate_of(settings.tls_cert, settings.tls_key)
    except CertificateUnusable as error:
        raise CannotServe(str(error)) from None


def _absolute(path: str) -> str:
    return str(Path(path).absolute()) if path else ""


def _package_root() -> str:
    """So that another interpreter finds this very package."""
    import router

    return str(Path(router.__file__).parent.parent)


def _printable(host: str) -> str:
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104
    return f"[{shown}]" if ":" in shown else shown
