"""Path -> handler, and what every answer has in common."""

from __future__ import annotations

import asyncio
import logging
import secrets
import traceback
from collections.abc import Callable, Collection, Coroutine
from importlib.metadata import version
from itertools import count
from typing import Any
from urllib.parse import unquote

import msgspec

from router.core.decision.kept import keeper_of
from router.core.values import BackendState
from router.gateway.auth import Keyring
from router.gateway.body_reader import BodyReader
from router.gateway.buffered_bytes import BufferedBytes
from router.gateway.connections import Connections, address_of
from router.gateway.cors import Cors
from router.gateway.errors import ApiError
from router.gateway.http_connection import Client
from router.gateway.models import listing, single
from router.gateway.origin_guard import Guard, NoGuard
from router.gateway.own_paths import INVOCATIONS, MODELS, OWN, unknown_path, wrong_method
from router.gateway.peers import NoPeers, Peers
from router.gateway.pipeline import Pipeline
from router.gateway.playground import NoTickets, Tickets
from router.gateway.request import Request
from router.gateway.resources import Resources
from router.gateway.response_lines import JSON, header
from router.gateway.used_up import check_rate, is_read_apart
from router.gateway.wait_queue import WaitQueue
from router.gateway.worker_state import WorkerState
from router.surfaces.base import PREFIX, Surface
from router.surfaces.by_body import surface_of
from router.surfaces.paths import plain
from router.surfaces.registry import BY_FIELD, BY_PATH, KEPT, spoken_by
from router.surfaces.resources import Asked

INVOKED_BYTES = 1024 * 1024
"""Of a body that is read to learn whose it is: a millisecond's work, for which all else waits."""
_VERSION = msgspec.json.encode({"version": version("breakeven")})

log = logging.getLogger("breakeven.gateway")


class Routes:
    """The `Handler` of every connection of this worker. `guard` is what stands at the door while there are no keys."""

    def __init__(
        self,
        state: WorkerState,
        loop: asyncio.AbstractEventLoop,
        peers: Peers | NoPeers | None = None,
        guard: Callable[[tuple[str, ...]], NoGuard] = Guard,
    ) -> None:
        server = state.plan.policy.server
        self.clients: set[Client] = set()
        self.draining = False
        self.held = BufferedBytes(server.max_held_bytes)
        self.answers = state.answers
        self._connections = Connections(server.max_connections, server.max_connections_per_address)
        self._deserted = asyncio.Event()
        self._state = state
        self._loop = loop
        self._peers = peers or NoPeers()
        self._guard_of = guard
        self._peers.serve(self)
        self._room = WaitQueue(loop)
        self._reader = BodyReader(loop)
        self._completions = Pipeline(state, self._room, loop, self._reader)
        self._resources = Resources(state, self._reader, loop)
        self._id_prefix = f"req_{secrets.token_hex(6)}"
        self._ids = count()
        self.adopted()
        state.fleet.on_room, state.fleet.awaited = self._room.wake, self._room.__len__

    @property
    def waiting(self) -> int:
        """Requests that wait for room."""
        return len(self._room)

    @property
    def wanted(self) -> Collection[str]:
        """Backends that are off and that requests wait for."""
        return self._completions.wanted

    def adopted(self) -> None:
        """A new plan is in force."""
        server = self._state.plan.policy.server
        self.max_body_bytes = server.max_body_bytes
        self.held.bound(server.max_held_bytes)
        self._connections.bound(server.max_connections, server.max_connections_per_address)
        self._cors = Cors(server.cors_origins)
        self._peers.adopted()
        self.rekey()

    def rekey(self) -> None:
        """Other keys are in force; where one is in the policy and stored, the policy's counts."""
        peers, plan = self._peers, self._state.plan
        needed = plan.policy.server.stored_keys
        grants = {**peers.grants, **plan.keys}
        self._state.keyring = Keyring(grants, needed=needed, unread=peers.keys_unread, tickets=self._tickets())
        self._guard = self._guard_of(plan.policy.server.cors_origins) if self._state.keyring.open else NoGuard()
        self._room.judge_again()

    def _tickets(self) -> NoTickets:
        secret, policy = self._state.playground_secret, self._state.plan.policy
        if not secret or policy.playground.access == "nobody":
            return NoTickets()
        return Tickets(secret, policy.zones, self._state.clock)

    def close(self) -> None:
        self._reader.close()

    # --- connections

    def opened(self, client: Client, address: str) -> None:
        self.clients.add(client)
        client.draining = self.draining  # here and no sooner: the drain tells only those that have been opened
        client.address = address_of(address)
        client.surplus = self._connections.opened(client.address)
        if client.surplus is not None and self._connections.hopeless():
            client.abort()

    def closed(self, client: Client) -> None:
        self.clients.discard(client)
        self._connections.closed(client.address)
        if self.draining and not self.clients:
            self._deserted.set()

    def end(self, at: float) -> None:
        """This worker ends: nobody waits for room or for a start beyond loop time `at`."""
        self.draining = True
        self._room.end(at)

    async def deserted(self) -> None:
        """Wait, while draining, until the last client has gone."""
        while self.clients:
            self._deserted.clear()
            await self._deserted.wait()

    def failed(self, error: Exception, request: Request, client: Client) -> None:
        """Answer an error of ours: one that was meant, or a defect."""
        if isinstance(error, ApiError):
            lines = request.common + header("x-request-id", request.id) + error.headers()
            client.respond(error.status, lines, error.body(request.surface or spoken_by(request.headers), request.id))
        else:
            self._crashed(error, request, client)

    def _crashed(self, error: Exception, request: Request, client: Client) -> None:
        """A defect: its type and place are logged, never the message, which may hold a prompt."""
        where = {"path": request.path[:100], "error": type(error).__name__, "trace": _trace(error)}
        log.error("unhandled error", extra=where | {"request": request.id})
        if client.started:
            client.abort()
            return
        message = "The gateway failed on this request; its log has the details."
        self.failed(ApiError(500, "internal_error", message), request, client)

    def cut(self, client: Client) -> None:
        """The time to end is over: what has no byte of an answer yet is told so."""
        message = "The gateway ends, and no backend has answered yet. Try again."
        client.cut(ApiError(503, "shutting_down", message, retry_after=1, retryable=True))

    # --- requests

    def admit(self, request: Request) -> bool:
        """Nobody's body is read before it is known who sends it, nor a large one that no limit would admit."""
        self._guard.admit(request)
        posted = _surface_at(request) is not None or request.path == INVOCATIONS or _asked(request) is not None
        if request.method != "POST" or not posted:
            return False
        key = request.key = self._state.keyring.identify(request)
        request.keyring = self._state.keyring
        if self._state.ledger.exhausted.known and is_read_apart(request):
            check_rate(self._state, request, key)
        return True

    def handle(self, request: Request, client: Client) -> Coroutine[Any, Any, None]:
        request.id = self._next_id()
        if self._cors.enabled:
            request.common = self._cors.lines(request.headers)
        surface = _surface_at(request)
        named = (spoken_by(request.headers) if surface is None else surface).id_header
        if named:
            request.common += header(named, request.id)
        if request.refusal is not None:
            if request.key is not None and request.refusal.status == 429:
                self._completions.turned_away(request, request.key, request.refusal)
            raise request.refusal
        if surface is None and request.path == INVOCATIONS and request.method == "POST":
            surface = request.surface = _invoked(request)
        if surface is not None and request.method == "POST":
            key = request.key
            if key is None or request.keyring is not self._state.keyring:  # keys changed while the body came
                key = self._state.keyring.identify(request)
            return self._completions.handle(surface, request, client, key)
        asked = _asked(request)
        if asked is not None and (surface is None or keeper_of(self._state.plan.policy, asked.operation.resource)):
            return self._resources.handle(asked, request, client, self._state.keyring.identify(request))
        return self._small(request, client, request.common + header("x-request-id", request.id))

    def _next_id(self) -> str:
        return f"{self._id_prefix}{next(self._ids):x}"

    async def _small(self, request: Request, client: Client, common: bytes) -> None:
        """Everything that needs no backend."""
        path = request.path
        if request.method == "OPTIONS" and self._cors.enabled:
            client.respond(204, common + self._cors.preflight(request.headers), b"")
            return
        model = path.startswith(MODELS + "/")
        methods = "POST" if request.surface is not None else "GET" if model else OWN.get(path, ("",))[0]
        kept = () if methods or not path.startswith(PREFIX) else KEPT.methods_at(path[len(PREFIX) :])
        if kept:
            raise wrong_method(path, ", ".join(kept), preflights=self._cors.enabled, heads=False)
        if not methods:
            raise unknown_path(request.method, path)
        if request.method.replace("HEAD", "GET") not in methods.split(", "):
            raise wrong_method(path, methods, preflights=self._cors.enabled)
        if path in ("/health", "/ping"):
            client.respond(200, common, b"")
        elif path == "/version":
            client.respond(200, common + JSON, _VERSION)
        elif path == MODELS or model:
            key = self._state.keyring.identify(request)
            name = path[len(MODELS) + 1 :]
            plan = self._state.plan
            states = self._state.fleet.states
            speaker = spoken_by(request.headers)
            body = single(speaker, plan, key, states, unquote(name)) if name else listing(speaker, plan, key, states)
            client.respond(200, common + JSON, body)
        else:
            self._health(path, client, common)

    def _health(self, path: str, client: Client, common: bytes) -> None:
        """/healthz: this worker runs. /readyz: it should be sent requests."""
        if path == "/healthz":
            client.respond(200, common + JSON, b'{"status":"ok"}')
            return
        state = self._state
        usable = any(each.healthy for each in state.fleet.states.values())
        ready = usable and not self.draining
        now = self._loop.time()
        told = {
            name: each.trial(now) for name, each in state.fleet.backends.items() if state.fleet.states[name].healthy
        }
        trials = {name: why for name, why in told.items() if why}
        report: dict[str, Any] = {
            "status": "ready" if ready else "not ready",
            "draining": self.draining,
            "policy": state.plan.version,
            "policies": self._peers.versions() or {state.plan.version: 1},
            "stored_keys": self._peers.keys(),
            "ledger": "available" if state.ledger.available else "lost",
            "backends": {name: _how(each, trials.get(name, "")) for name, each in state.fleet.states.items()},
        }
        refused = self._peers.refused_edit()
        if refused:
            report["policy_edit"] = refused
        if trials:
            report["trials"] = trials
        failing = {name: each.failing for name, each in state.fleet.backends.items() if each.failing}
        if failing:
            report["failing"] = failing
        adapter = None if state.adapter is None else state.adapter.told()
        if adapter is not None:
            report["adapter"] = adapter.state
        if state.unlisted:
            report["unlisted_models"] = state.unlisted
        client.respond(200 if ready else 503, common + JSON, msgspec.json.encode(report))


def _asked(request: Request) -> Asked | None:
    path = request.path
    return KEPT.find(request.method, path[len(PREFIX) :]) if path.startswith(PREFIX) else None


def _surface_at(request: Request) -> Surface | None:
    surface = BY_PATH.get(request.path)
    if surface is None:
        request.path = plain(request.path)
        surface = BY_PATH.get(request.path)
    request.surface = surface
    return surface


def _invoked(request: Request) -> Surface:
    """Raises ApiError."""
    if len(request.body) > INVOKED_BYTES or "content-encoding" in request.headers:
        message = f"{INVOCATIONS} takes up to {INVOKED_BYTES:,} bytes, not compressed. Post this to its surface's path."
        raise ApiError(413, "request_too_large", message)
    surface = surface_of(request.body)
    if surface is None:
        fields = ", ".join(BY_FIELD)
        raise ApiError(400, "invalid_request", f"{INVOCATIONS} takes a JSON object that has one of: {fields}.")
    return surface


def _how(state: BackendState, trial: str) -> str:
    """`trial`: why it is only tried, if it is. A backend that is off is no reason to send requests elsewhere."""
    if state.off:
        return "starting" if state.coming else "off"
    if trial and state.healthy:
        return "trial"
    return "healthy" if state.healthy else "unhealthy"


def _trace(error: BaseException) -> str:
    """Where it happened, without the message."""
    return "".join(traceback.format_tb(error.__traceback__))
