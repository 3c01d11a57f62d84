"""What this worker tells the other workers on the ledger, and what it makes of what they tell."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol

from msgspec.structs import replace

from router.config.stored_keys import GrantReader, admitted, first_of, unusable
from router.config.stored_teams import BudgetEntry, working_budgets
from router.core.resilience.circuit_breaker import State as Circuit
from router.core.resilience.circuit_breaker import describe
from router.core.resilience.worker_status import (
    BackendStatus,
    CircuitChange,
    Opening,
    Reload,
    ReplicaStatus,
    WorkerStatus,
    count_versions,
)
from router.core.values import KeyGrant
from router.gateway.worker_state import WorkerState
from router.ledger.shared_status import SharedStatus
from router.ledger.stored_key import StoredKey
from router.system.wake_files import WakeFiles
from router.upstream.fleet import BackendRuntime
from router.upstream.replica import Replica

DIFFERENCE_SECONDS = 10.0
"""How long workers may serve different policies before that is worth a warning: an edit reaches machines in turn."""

_STAYS = "the last good policy stays. The log and `breakeven check` say what is wrong"

log = logging.getLogger("breakeven.peers")


class Serves(Protocol):
    """The service of this worker."""

    @property
    def waiting(self) -> int: ...

    @property
    def wanted(self) -> Collection[str]:
        """Backends that are off and that requests wait for."""

    draining: bool

    def rekey(self) -> None:
        """Stored keys changed."""


class NoPeers:
    """A worker that is alone: no others, and no keys but the policy's."""

    grants: Mapping[str, KeyGrant] = {}

    def serve(self, service: Serves) -> None:
        pass

    def adopted(self) -> None:
        pass

    def keys_unread(self) -> str:
        return ""

    def keys(self) -> str:
        return "off"

    def versions(self) -> dict[str, int]:
        return {}

    def refused_edit(self) -> str:
        return ""


class NoWakeFiles:
    """Nobody but the ledger's controller hears of what is wanted."""

    def ask(self, backend: str) -> None:
        pass


NO_WAKE_FILES = NoWakeFiles()


class Peers:
    """The `Listener` of `SharedStatus`. `grants` are those of the stored keys that work now, by SHA-256."""

    def __init__(
        self,
        state: WorkerState,
        shared: SharedStatus,
        loop: asyncio.AbstractEventLoop,
        wakes: WakeFiles | NoWakeFiles = NO_WAKE_FILES,
    ) -> None:
        self.grants: Mapping[str, KeyGrant] = {}
        self._state = state
        self._shared = shared
        self._loop = loop
        self._service: Serves | None = None
        self._names: dict[Replica, str] = {}
        self._heard: dict[Replica, Opening] = {}
        self._reader = GrantReader()
        self._stored: dict[str, KeyGrant] = {}
        self._unusable: dict[str, str] = {}
        self._problems: tuple[str, ...] = ()
        self._teams: Mapping[str, BudgetEntry] = {}
        self._team_problems: tuple[str, ...] = ()
        self._reload: Reload | None = None
        self._differ_since: float | None = None
        self._differing = False
        self._started = 0.0
        state.fleet.on_opened = self._opened
        self._wakes = wakes
        state.fleet.on_wanted = self._want

    def serve(self, service: Serves) -> None:
        self._service = service

    def adopted(self) -> None:
        """A new plan is in force."""
        self._names = {
            replica: _name(backend, replica)
            for backend in self._state.fleet.backends.values()
            for replica in backend.replicas
        }
        self._heard = {}
        self._admit()
        self._limit()

    def reloaded(self, problems: Sequence[str]) -> None:
        """The policy was edited: adopted when there are no problems."""
        self._reload = Reload(self._shared.now(), tuple(problems))

    def refused_edit(self) -> str:
        """That the policy's file is not what is served, and since when; empty while it is.

        Nobody has to say who he is to hear this, so where the mistake is stands in the log alone.
        """
        edit = self._reload
        if edit is None or not edit.problems:
            return ""
        at = datetime.fromtimestamp(edit.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        many = len(edit.problems)
        return f"refused at {at} for {many} problem{'' if many == 1 else 's'}: {_STAYS}"

    # --- circuits

    def _opened(self, replica: Replica) -> None:
        name = self._names.get(replica)
        if name is None:  # of a former plan
            return
        now, breaker = self._shared.now(), replica.breaker
        until = now + breaker.until - self._loop.time()
        self._shared.tell(name, Opening(self._shared.id, now, until, breaker.failures, breaker.why))

    def _hear(self, replica: Replica, opening: Opening) -> None:
        """Each opening once: its times in our clock differ a little from look to look."""
        if self._heard.get(replica) == opening:
            return
        self._heard[replica] = opening
        now = self._loop.time()
        shift = now - self._shared.now()
        replica.heard(replace(opening, at=opening.at + shift, until=opening.until + shift), now)

    # --- the others

    def looked(self) -> None:
        openings = self._shared.openings
        for replica, name in self._names.items():
            opening = openings.get(name)
            if opening is not None:
                self._hear(replica, opening)
        self._state.cloud_price, self._state.unlisted = self._shared.cloud_price, self._shared.unlisted
        self._hear_of_power()
        self._compare()

    def lost(self) -> None:
        self._hear_of_power()

    # --- power

    def _hear_of_power(self) -> None:
        self._state.fleet.told(self._shared.powers, self._loop.time() - self._shared.now())
        for backend in () if self._service is None else self._service.wanted:
            self._want(backend)

    def _want(self, backend: str) -> None:
        """Through the ledger; while that is lost, through this gateway's own folder."""
        self._shared.want(backend)
        if not self._shared.available:
            self._wakes.ask(backend)

    # --- policies

    def versions(self) -> dict[str, int]:
        """How many workers of all gateways serve each version of the policy, this one included."""
        others = (status.policy for status in self._shared.statuses.values())
        return count_versions([*others, self._state.plan.version])

    def _compare(self) -> None:
        """Warns once when workers keep serving different policies, and says when they agree again."""
        own = self._state.plan.version
        if all(status.policy == own for status in self._shared.statuses.values()):
            self._differ_since = None
            if self._differing:
                self._differing = False
                log.info("all workers serve the same policy again", extra={"policy": own})
            return
        now = self._loop.time()
        if self._differ_since is None:
            self._differ_since = now
        elif not self._differing and now - self._differ_since >= DIFFERENCE_SECONDS:
            self._differing = True
            log.warning("workers serve different policies", extra={"policy": own, "policies": self.versions()})

    # --- keys

    def keys_unread(self) -> str:
        """Why there may be stored keys that are not in `grants`; empty when there are none or all were read."""
        return self._shared.keys_unread if self._state.plan.policy.server.stored_keys else ""

    def keys(self) -> str:
        """How it is with the stored keys, in a word."""
        if not self._state.plan.policy.server.stored_keys:
            return "off"
        return "unread" if self.keys_unread() else "read"

    def keys_read(self, working: Sequence[StoredKey], ended: Sequence[str]) -> None:
        for key in working:
            self._forget(key.sha256)
            try:
                self._stored[key.sha256] = self._reader.grant(key.sha256, key.entry)
            except ValueError as error:
                self._unusable[key.sha256] = unusable(key.entry, error)
        for sha256 in ended:
            self._forget(sha256)

    def _forget(self, sha256: str) -> None:
        self._stored.pop(sha256, None)
        self._unusable.pop(sha256, None)

    def keys_changed(self) -> None:
        self._admit()
        if self._service is not None:
            self._service.rekey()

    def _admit(self) -> None:
        plan = self._state.plan
        if not plan.policy.server.stored_keys:
            self.grants = {}
            return
        found = admitted(plan, self._stored)
        self.grants, problems = found.grants, first_of([*self._unusable.values(), *found.problems])
        if problems and problems != self._problems:
            log.warning("stored keys do not fit the policy", extra={"problems": problems})
        self._problems = problems

    # --- teams

    def teams_read(self, budgets: Mapping[str, BudgetEntry]) -> None:
        self._teams = budgets
        self._limit()

    def _limit(self) -> None:
        found, problems = working_budgets(self._state.plan, self._teams)
        self._state.limit_teams(found)
        if problems and problems != self._team_problems:
            log.warning("stored teams do not fit the policy", extra={"problems": problems})
        self._team_problems = problems

    # --- the report

    def report(self) -> WorkerStatus:
        state, shared, service = self._state, self._shared, self._service
        now = shared.now()
        self._started = self._started or now
        backends = tuple(self._backend(backend, now) for backend in state.fleet.backends.values())
        return WorkerStatus(
            id=shared.id,
            host=socket.gethostname(),
            pid=os.getpid(),
            started=self._started,
            at=now,
            policy=state.plan.version,
            reload=self._reload,
            draining=service is not None and service.draining,
            ledger_available=state.ledger.available,
            ledger_why=state.ledger.why,
            stored_keys=state.plan.policy.server.stored_keys,
            keys=shared.keys_version,
            waiting=0 if service is None else service.waiting,
            inflight=sum(replica.inflight for backend in backends for replica in backend.replicas),
            backends=backends,
        )

    def _backend(self, backend: BackendRuntime, now: float) -> BackendStatus:
        spec = backend.spec
        state = backend.state(self._loop.time())
        replicas = tuple(self._replica(replica, now) for replica in backend.replicas)
        return BackendStatus(
            name=spec.name,
            zone=spec.backend.zone,
            healthy=state.healthy,
            why=state.why,
            full=state.full,
            load=state.load,
            replicas=replicas,
            off=state.off,
        )

    def _replica(self, replica: Replica, now: float) -> ReplicaStatus:
        loop_now = self._loop.time()
        shift = now - loop_now
        breaker = replica.breaker
        return ReplicaStatus(
            label=replica.pool.target.label,
            circuit=breaker.state.value,
            until=breaker.until + shift if breaker.state is Circuit.OPEN else 0.0,
            why=replica.probed_down or describe(breaker, loop_now),
            inflight=replica.inflight,
            running=replica.load.running,
            waiting=replica.load.waiting,
            kv_cache=replica.load.kv_cache,
            changes=tuple(CircuitChange(at + shift, circuit.value, why) for at, circuit, why in replica.changes),
        )


def _name(backend: BackendRuntime, replica: Replica) -> str:
    """The same in all workers that mean the same machine, and in no others."""
    spec = backend.spec
    return f"{spec.name}|{spec.backend.fingerprint()}|{replica.pool.target.label}"
