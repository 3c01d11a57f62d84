"""A unit that three commands switch: of a cloud, of SkyPilot, of ssh, of whatever there is."""

from __future__ import annotations

import asyncio
import secrets
import time
from pathlib import Path

from router.core.backend_kinds import Backend
from router.core.power.policy import Command, CommandPower
from router.power.drivers.answering import Answering
from router.power.drivers.begin import Order
from router.power.drivers.driver import DriverError, Seen
from router.power.drivers.environment import resolved
from router.power.drivers.http_client import HttpClient
from router.power.drivers.output import last_words
from router.power.drivers.programs import MARK, POLL_SECONDS, Outcome, end_all, last_run, run, running
from router.system.environment import needed


class CommandDriver:
    """`folder` is this backend's own: the commands run there, and their files are in it."""

    def __init__(self, backend: Backend, power: CommandPower, folder: Path) -> None:
        """Raises MissingSecretError."""
        self._power = power
        self._folder = folder
        self._client = HttpClient()
        self._answering = Answering(backend, self._client)
        self._variables, self._secrets = resolved(power.env)

    async def look(self) -> Seen:
        look = self._power.look
        try:
            outcome = await self._run("look", look)
        except DriverError as error:
            return Seen(None, 0, str(error))
        lines = outcome.output.decode(errors="replace").split("\n")
        word = next((line.strip() for line in reversed(lines) if line.strip()), "")
        if word.lower() in map(str.lower, look.means_off):
            return Seen(0, 0, f"the command says {word}")
        if word.lower() in map(str.lower, look.means_on):
            ready, lacking = await self._answering.count()
            return Seen(1, min(ready, 1), lacking)
        told = last_words(word.encode(), self._secrets)
        return Seen(None, 0, f'the command says "{told}", which is neither in means_on nor in means_off')

    async def start(self, units: int) -> None:
        if units:
            await self._run("switch", self._power.start)

    async def stop(self, units: int) -> None:
        if not units:
            await self._run("switch", self._power.stop)

    async def close(self) -> None:
        await self._client.close()

    async def _run(self, name: str, command: Command) -> Outcome:
        """Its outcome when it has ended well. Raises DriverError.

        One that an earlier controller left running is waited for, and ended when its time is over: two at once could
        undo what the other does.
        """
        program = command.run[0]
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            await self._without_another(name, command.timeout)
            mark = secrets.token_hex(8)
            order = Order(
                command=command.run,
                environment=needed() | self._variables | {MARK: mark},
                folder=str(self._folder.absolute()),
                name=name,
                mark=mark,
                at=time.time(),
                detached=False,
            )
            outcome = await run(order, command.timeout)
        except OSError as error:
            raise DriverError(f"{program} could not be run: {error.strerror}") from None
        said = last_words(outcome.errors, self._secrets) or last_words(outcome.output, self._secrets)
        if outcome.code is None:
            raise DriverError(f"{program} ran for longer than {command.timeout:g} s and was ended" + _after(said))
        if outcome.code:
            raise DriverError(f"{program} ended with exit code {outcome.code}" + _after(said))
        return outcome

    async def _without_another(self, name: str, timeout: float) -> None:
        earlier = last_run(self._folder, name)
        while earlier is not None and running(earlier):
            if not 0 <= time.time() - earlier.at < timeout:
                end_all(earlier)
            await asyncio.sleep(POLL_SECONDS)


def _after(said: str) -> str:
    return f": {said}" if said else ""
