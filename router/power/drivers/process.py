"""A vLLM on this machine. It outlives us: its file and its lock, in a folder of the data directory, tell of it."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import secrets
import signal
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from router.core.backend_kinds import Backend
from router.core.power.policy import ProcessPower
from router.power.drivers.answering import Answering
from router.power.drivers.begin import Ending, Order, Run, ending_of, file_of, lock_of, log_of
from router.power.drivers.driver import DriverError, Seen
from router.power.drivers.environment import resolved
from router.power.drivers.http_client import HttpClient
from router.power.drivers.launch import command_of, environment_of, program_of
from router.power.drivers.output import last_words
from router.power.drivers.process_identity import signal_it
from router.power.drivers.programs import MARK, POLL_SECONDS, end_all, last_run, run, running
from router.system.atomic_file import replace_file

NAME = "vllm"
BEGIN_SECONDS = 30.0
"""Until the program has begun to run, on a busy machine; not until it answers."""
STOP_SECONDS = 30.0
"""In which a vLLM ends by itself once it is told to."""
KILL_SECONDS = 10.0
MOST_LOG = 8 * 1024 * 1024
"""Bytes of the log; beyond, what is older goes."""
_TOLD = 4096
"""Bytes of the log's end that messages are made of."""
ENDING_SECONDS = 2.0
"""Until it is written down when a process that is gone has ended, on a busy machine."""


class _Ended(Struct, frozen=True):
    """The last vLLM that is gone: the content of a file."""

    began: float = 0.0
    ended: float = 0.0
    told: bool = False
    """It was told to end."""


class ProcessDriver:
    """`folder` is this backend's own, and there is one driver for it at a time, or several that do not know of each
    other: a lock that the vLLM itself holds keeps there from being two."""

    def __init__(self, backend: Backend, power: ProcessPower, folder: Path) -> None:
        """Raises MissingSecretError."""
        self._power = power
        self._url = backend.replicas()[0]
        self._served = tuple(each if isinstance(each, str) else each.model for each in backend.serves.values())
        self._folder = folder
        self._client = HttpClient()
        self._answering = Answering(backend, self._client)
        self._variables, hidden = resolved(power.launch.env)
        self._secrets = (*hidden, self._answering.api_key)
        self._terms = sha256(msgspec.json.encode((power.launch.model_dump(), self._url, self._served))).hexdigest()

    async def look(self) -> Seen:
        try:
            found = await self._found()
            if found is None:
                ended = self._ended()
                if self._held():
                    return Seen(1, 0, "it is about to run", began=0.0)
                return Seen(0, 0, self._how_it_ended(ended), ended.began, ended.ended)
            self._trim_log()
        except OSError as error:
            return Seen(None, 0, f"{self._folder} cannot be used: {error.strerror}")
        ready, lacking = await self._answering.count()
        earlier = "" if found.terms == self._terms else "it runs as the policy said earlier, until it is started again"
        return Seen(1, ready, lacking or earlier, found.began or found.at)

    async def start(self, units: int) -> None:
        if not units:
            return
        try:
            if await self._found() is None:
                await self._begin(program_of(self._power.launch))
        except OSError as error:
            raise DriverError(f"{self._folder} cannot be used: {error.strerror}") from None

    async def stop(self, units: int) -> None:
        if units:
            return
        try:
            await self._end()
        except OSError as error:
            raise DriverError(f"{self._folder} cannot be used: {error.strerror}") from None

    async def close(self) -> None:
        await self._client.close()

    # --- what there is

    async def _found(self, *, told: bool = False) -> Run | None:
        """The vLLM that runs. What is left of one that does not is cleared away: it would hold memory of the card.
        `told`: that one was told to end."""
        found = last_run(self._folder, NAME)
        if found is None or running(found):
            return found
        gone_by = time.time()
        end_all(found)
        ended = await self._when_it_ended(found, gone_by)
        with self._lock() as taken:
            if taken and last_run(self._folder, NAME) == found:  # else another one begins, and the file is its own
                self._write_ended(_Ended(found.began or found.at, ended, told))
                file_of(self._folder, NAME).unlink(missing_ok=True)
        return None

    async def _when_it_ended(self, run: Run, gone_by: float) -> float:
        """As its watcher has written down; when it was first seen to be gone, where that one is gone, too."""
        give_up = time.monotonic() + ENDING_SECONDS
        while time.monotonic() < give_up:
            with contextlib.suppress(FileNotFoundError, msgspec.DecodeError):
                ending = msgspec.json.decode(ending_of(self._folder, NAME).read_bytes(), type=Ending)
                if ending.mark == run.mark:
                    return ending.at
            await asyncio.sleep(POLL_SECONDS)
        return gone_by

    def _ended(self) -> _Ended:
        """Of the last one that is gone; as if it was told to, when none ever was."""
        with contextlib.suppress(FileNotFoundError, msgspec.DecodeError):
            return msgspec.json.decode(self._ended_file.read_bytes(), type=_Ended)
        return _Ended(told=True)

    def _write_ended(self, ended: _Ended) -> None:
        replace_file(self._ended_file, msgspec.json.encode(ended))

    @property
    def _ended_file(self) -> Path:
        return file_of(self._folder, f"{NAME}-ended")

    def _held(self) -> bool:
        with self._lock() as taken:
            return not taken

    @contextlib.contextmanager
    def _lock(self) -> Iterator[bool]:
        """Whether nobody else has it; for a moment only."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(lock_of(self._folder, NAME), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            taken = False
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                taken = True
            yield taken
        finally:
            os.close(lock)

    def _how_it_ended(self, ended: _Ended) -> str:
        """Nothing when it was told to end, or never ran."""
        if ended.told:
            return ""
        said = last_words(self._end_of_log(_TOLD), self._secrets)
        return f"its process has ended: {said}" if said else "its process has ended and said nothing"

    def _end_of_log(self, size: int) -> bytes:
        try:
            with log_of(self._folder, NAME).open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - size))
                return log.read(size)
        except FileNotFoundError:
            return b""

    def _trim_log(self) -> None:
        """It is written at its end, wherever that is: so the one that writes need not know."""
        log = log_of(self._folder, NAME)
        with contextlib.suppress(FileNotFoundError):
            if log.stat().st_size > MOST_LOG:
                replace_file(log.with_suffix(".log.1"), self._end_of_log(MOST_LOG // 2))
                os.truncate(log, 0)

    # --- what is done

    async def _begin(self, program: str) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._forgive()
        mark = secrets.token_hex(8)
        order = Order(
            command=command_of(self._power.launch, program, self._url, self._served),
            environment=environment_of(self._variables, self._answering.api_key, program) | {MARK: mark},
            folder=str(self._folder.absolute()),
            name=NAME,
            mark=mark,
            at=time.time(),
            detached=True,
            terms=self._terms,
        )
        begun = await run(order, BEGIN_SECONDS)
        if begun.code is None:
            raise DriverError(f"{program} did not begin to run within {BEGIN_SECONDS:g} s")
        if begun.code:
            raise DriverError(f"it could not be started: {last_words(begun.errors, self._secrets)}")

    async def _end(self) -> None:
        give_up = time.monotonic() + BEGIN_SECONDS
        while (found := await self._found()) is None and self._held():
            if time.monotonic() > give_up:
                raise DriverError(f"who holds {lock_of(self._folder, NAME)} cannot be told")
            await asyncio.sleep(POLL_SECONDS)
        if found is not None:
            signal_it(found.pid, found.identity, signal.SIGTERM)
            if not await _gone(found, STOP_SECONDS):
                end_all(found)
                if not await _gone(found, KILL_SECONDS):
                    raise DriverError(f"process {found.pid} does not end, even when it is killed")
            await self._found(told=True)
        self._forgive()

    def _forgive(self) -> None:
        """How the last one ended matters no more, only when."""
        if not (ended := self._ended()).told:
            self._write_ended(replace(ended, told=True))


async def _gone(found: Run, seconds: float) -> bool:
    give_up = time.monotonic() + seconds
    while running(found):
        if time.monotonic() > give_up:
            return False
        await asyncio.sleep(POLL_SECONDS)
    return True
