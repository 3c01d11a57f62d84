"""Plays a world against one worker's data plane, over real connections on loopback."""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
import time
import traceback
from hashlib import sha256
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

import uvloop
from prove.asks import LABELS, Ask, Request, canaries
from prove.client import converse
from prove.machines import HOMES, Machine
from prove.tally import Tally
from prove.verdict import Verdict
from prove.worlds import (
    Burst,
    Fault,
    Ledger,
    Pause,
    Policy,
    Power,
    Rekey,
    Reload,
    Step,
    World,
    is_known,
    new_keys,
    permitted,
    rekeyed,
)
from support.gateway import Clock, Gateway, start_gateway, stop_gateway
from support.samples.registry import SAMPLES

from router.config.load import load
from router.config.stored_keys import stored_grants
from router.core.resilience.worker_status import PowerState
from router.core.values import Plan
from router.gateway.peers import NoPeers
from router.ledger.errors import LedgerUnavailable
from router.upstream import fleet as fleet_module
from router.upstream.probes import Probes

HANGS_AFTER = 60.0
"""Seconds for all that a world sends, on a machine that is busy with other things; a request's own deadline is 0.4 s, a
queue's 0.06 s."""
HEALS_WITHIN = 20.0
"""Seconds after which a gateway whose backends are well again answers as if nothing had been."""
_SLOW_SECONDS = 0.01
_START_SECONDS = 0.05
_AFTERWARDS = (
    Ask(),
    Ask(stream=True),
    Ask(finding="credit_card"),
    Ask(label=LABELS[1], stream=True),
    Ask(key=1, endpoint="embeddings"),
)

_READABLE = tuple(
    Ask(endpoint=name, stream=sample.events is not None) for name, sample in SAMPLES.items() if not sample.sealed
)
"""One of each surface that may say nothing but what can be read, of which each world asks one more."""


class _Log(logging.Handler):
    """Keeps everything that a record carries."""

    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.text.append(repr(vars(record)))


class _Keys(NoPeers):
    """What other workers and commands have written of keys, as far as this worker has read it."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self._plan = plan
        self.stored = new_keys()
        self.adopt(plan)

    def adopt(self, plan: Plan) -> None:
        """The grants of the stored keys under this plan."""
        self._plan = plan
        entries = {sha256(f"token-{token}".encode()).hexdigest(): key for token, key in self.stored.items()}
        self.grants = stored_grants(plan, entries)[0] if plan.policy.server.stored_keys else {}


class Play:
    """One world; `tally` is complete after `run`."""

    def __init__(self, world: World, directory: Path, patience: float) -> None:
        self.tally = Tally(worlds=1)
        self._world = world
        self._directory = directory
        self._patience = patience
        self._policies: list[Policy] = [world.read(index) for index in range(len(world.policies))]
        self._plans: list[Plan] = []
        self._history: list[Policy] = []
        self._policy = self._policies[0]
        self._keys: _Keys
        self._requests: list[Request] = []
        self._conversations: list[asyncio.Task[None]] = []
        self._ledger = "ok"
        self._powers: dict[str, str] = {}
        self._ledger_changes = 0
        self._ledger_answers = asyncio.Event()
        self._probes = Probes()
        self._gateway: Gateway
        cloud = Machine("us-1")
        self._machines = {name: cloud if name == "us-1" else Machine(name, cloud.url) for name in HOMES}

    async def run(self) -> None:
        for machine in self._machines.values():
            await machine.become("ok")
        with patch.dict(os.environ, self._machines["proxy-1"].proxies):
            await self._play()

    async def _play(self) -> None:
        await self._start()
        try:
            for step in self._world.steps:
                await self._take(step)
            await self._all_answered()
            verdict = Verdict(self._history, self.tally)
            self._count_free(verdict)
            await self._heal()
        finally:
            for machine in self._machines.values():
                machine.stop()
            await self._probes.close()
            await stop_gateway(self._gateway)
        verdict.judge(self._requests, self._machines.values())
        self.tally.wrongs += [f"{number} times: {crash}" for crash, number in self.tally.crashes.items()]

    async def _start(self) -> None:
        for index, text in enumerate(self._world.policies):
            for machine in self._machines.values():
                text = text.replace(f"@{machine.name}@", machine.url)
            path = self._directory / f"{index}.yaml"
            path.write_text(text)
            self._plans.append(load(path))
        first = (self._directory / "0.yaml").read_text()
        self._gateway = await start_gateway(self._directory, first, {}, cast(Clock, time.time))
        self._keys = _Keys(self._plans[0])
        cast(Any, self._gateway.service)._peers = self._keys
        self._gateway.service.rekey()
        self._remember()
        self._probes.apply(self._gateway.fleet.backends.values())
        self._set_ledger("ok")
        self._watch_crashes(cast(Any, self._gateway.service))
        self._slow_down(cast(Any, self._gateway.ledger))

    def _watch_crashes(self, service: Any) -> None:
        report = service._crashed

        def crashed(error: BaseException, request: Any, client: Any) -> None:
            last = traceback.extract_tb(error.__traceback__)[-1]
            self.tally.crashes[f"{type(error).__name__} in {Path(last.filename).name}:{last.name}"] += 1
            report(error, request, client)

        service._crashed = crashed

    def _slow_down(self, ledger: Any) -> None:
        """The ledger of this test answers at once; the real one is somewhere else."""
        reserve = ledger.reserve

        async def slow_reserve(hold: Any) -> Any:
            await asyncio.sleep(_SLOW_SECONDS if "slow" in self._ledger else 0)
            await self._ledger_answers.wait()
            if "lost" in self._ledger:
                raise LedgerUnavailable("it is lost")
            return await reserve(hold)

        ledger.reserve = lambda hold: asyncio.ensure_future(slow_reserve(hold))

    # --- steps

    async def _take(self, step: Step) -> None:
        if isinstance(step, Burst):
            self._burst(step)
        elif isinstance(step, Fault):
            await self._machines[step.machine].become(step.kind)
        elif isinstance(step, Reload):
            self._reload(step.policy % len(self._plans))
        elif isinstance(step, Ledger):
            self._set_ledger(step.mode)
        elif isinstance(step, Power):
            self._switch(step)
        elif isinstance(step, Rekey):
            self._rekey(step)
        elif isinstance(step, Pause):
            await asyncio.sleep(step.seconds)

    def _burst(self, burst: Burst) -> None:
        for asks in burst.connections:
            requests = [self._request(ask) for ask in asks]
            self._conversations.append(asyncio.create_task(self._converse(requests, burst.pipelined)))

    def _reload(self, index: int) -> None:
        self.tally.reloads += 1
        self._policy = self._policies[index]
        self._keys.adopt(self._plans[index])
        self._remember()
        self._gateway.adopt(self._plans[index])
        self._probes.apply(self._gateway.fleet.backends.values())

    def _rekey(self, edit: Rekey) -> None:
        self.tally.rekeys[edit.how] += bool(self._policy.get("server"))
        self._keys.stored = rekeyed(self._keys.stored, edit)
        self._keys.adopt(self._gateway.state.plan)
        self._remember()
        self._gateway.service.rekey()

    def _switch(self, power: Power) -> None:
        """As a controller would tell of it."""
        switched = [name for name, backend in self._policy["backends"].items() if "power" in backend]
        if switched:
            self.tally.powers[power.phase] += 1
            self._powers[switched[power.of % len(switched)]] = power.phase
            self._tell()

    def _tell(self) -> None:
        now = asyncio.get_running_loop().time()
        states = {
            name: PowerState(
                at=now,
                phase=phase,
                serves=phase == "on",
                known=phase != "unknown",
                coming=phase == "starting",
                ready_at=now + _START_SECONDS,
                why=f"It is {phase}.",
            )
            for name, phase in self._powers.items()
        }
        self._gateway.fleet.told(states, 0.0)

    def _remember(self) -> None:
        """What is in force from now on."""
        self._history.append(self._policy | {"stored": self._keys.stored})

    def _set_ledger(self, mode: str) -> None:
        self._ledger = mode
        self._ledger_changes += 1
        self._gateway.ledger.available = "lost" not in mode
        self._gateway.ledger.why = "it is lost"
        if mode == "held":
            self._ledger_answers.clear()
        else:
            self._ledger_answers.set()

    # --- requests

    def _request(self, ask: Ask) -> Request:
        request = Request(len(self._requests), ask)
        self._requests.append(request)
        return request

    async def _converse(self, requests: list[Request], pipelined: bool) -> None:
        """Until all are answered: what a closed connection left unanswered goes on a new one, as SDKs do it."""
        while requests:
            left = await converse(self._gateway.port, requests, pipelined, self._sending, self._answered)
            if len(left) == len(requests):
                self.tally.wrongs.append(f"no answer at all: {requests[0].ask}")
                return
            requests = left

    def _sending(self, request: Request) -> None:
        if not request.sent:
            request.sent = True
            request.sent_in = len(self._history) - 1
            request.ledger_change = self._ledger_changes if "lost" in self._ledger else -1

    def _answered(self, request: Request) -> None:
        request.ended_in = len(self._history) - 1
        request.ledger_lost = request.ledger_change == self._ledger_changes

    async def _all_answered(self) -> None:
        if self._ledger == "held":
            self._set_ledger("ok")
        try:
            async with asyncio.timeout(HANGS_AFTER):
                await asyncio.gather(*self._conversations)
        except TimeoutError:
            waiting = [request.ask for request in self._requests if not request.status]
            self.tally.wrongs.append(f"{len(waiting)} requests hang, such as {waiting[0]}")

    def _count_free(self, verdict: Verdict) -> None:
        free = [request for request in self._requests if not verdict.is_restricted(request)]
        self.tally.free = len(free)
        self.tally.free_answered = sum(request.status == 200 for request in free)

    async def _heal(self) -> None:
        """With all machines and the ledger well again, whoever may go somewhere gets an answer, and soon."""
        for machine in self._machines.values():
            await machine.become("ok")
        self._set_ledger("ok")
        self._powers = dict.fromkeys(self._powers, "on")
        self._tell()
        policy = self._history[-1]
        zones = {policy["backends"][name]["zone"] for name in policy["models"]["chat"]["backends"]}
        until = time.monotonic() + self._patience
        for ask in (*_AFTERWARDS, _READABLE[len(self._requests) % len(_READABLE)]):
            wanted = (200 if zones & permitted(policy, ask) else 403) if is_known(policy, ask) else 401
            request = self._request(ask)
            while request.status != wanted and time.monotonic() < until:
                await asyncio.sleep(0.005 if request.status else 0)
                await self._converse([request], pipelined=False)
            self.tally.healed += request.status == wanted == 200
            if request.status != wanted:
                self.tally.wrongs.append(f"{request.status} instead of {wanted} after all was well: {request.answer!r}")


def play(world: World, patience: float = HEALS_WITHIN) -> Tally:
    """Plays a world on a loop of its own, of the kind that workers run on. `patience` is for recovery, in seconds."""
    log = _Log()
    logger = logging.getLogger("breakeven")
    logger.addHandler(log)
    try:
        with (
            tempfile.TemporaryDirectory() as directory,
            patch.object(fleet_module, "TICK_SECONDS", 0.02),
            asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        ):
            one = Play(world, Path(directory), patience)
            runner.run(one.run())
    finally:
        logger.removeHandler(log)
    if canaries("".join(log.text).encode()):
        one.tally.wrongs.append("the log holds a request's text")
    return one.tally
