"""One process of Presidio for a command, which has questions about a few requests: for cases, `check` and `explain`."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import msgspec

import router
from router.config.dry_run import Ask, nobody_asked
from router.config.presidio_environment import ONE_THREAD, presidio_python
from router.core.sensitivity.entities import (
    NOT_RUNNING,
    EntitySearch,
    Question,
    Unanswered,
    answer_of,
    entity_search,
    frame,
)
from router.core.values import Plan

START_SECONDS = 60.0
LOOK_SECONDS = 60.0
"""For one question: nobody waits for it but who ran the command."""


class PresidioUnusable(Exception):
    """The text says why it cannot look."""


class PresidioPipe:
    """Starts with the first question, which takes seconds, and not at all without one."""

    def __init__(self, search: EntitySearch) -> None:
        self._search = search
        self._process: subprocess.Popen[bytes] | None = None
        self.ms_per_kb = 0.0
        """Milliseconds of one processor that a kilobyte of text takes, once it has started."""

    def start(self) -> None:
        """Raises PresidioUnusable."""
        if self._process is not None:
            return
        presidio = self._search.presidio
        command = [presidio_python(), "-P", "-m", "router.presidio", "--model", presidio.model]
        command += ["--language", presidio.language, "--entities", ",".join(self._search.entities)]
        root = str(Path(router.__file__).parent.parent)
        try:
            self._process = subprocess.Popen(  # noqa: S603
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": root, **ONE_THREAD},
            )
        except OSError as error:
            raise PresidioUnusable(f"it cannot be started: {error.strerror}") from None
        with _ended_after(START_SECONDS, self._process):
            said = _decoded(_streams(self._process)[1].readline())
        if "ms_per_kb" not in said:
            raise PresidioUnusable(str(said.get("unusable") or "it ended before it was ready"))
        self.ms_per_kb = said["ms_per_kb"]

    def ask(self, question: Question, pieces: tuple[bytes, ...]) -> frozenset[str]:
        """Raises Unanswered."""
        try:
            self.start()
            assert self._process is not None
            asked, told = _streams(self._process)
            with _ended_after(LOOK_SECONDS, self._process):
                for each in frame(question, pieces):
                    asked.write(each)
                asked.flush()
                return answer_of(told.readline(), question)
        except PresidioUnusable as error:
            raise Unanswered(f"presidio: {error}") from None
        except OSError:
            raise Unanswered(NOT_RUNNING) from None

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            for each in _streams(self._process):
                with suppress(OSError):  # of what it was not told any more
                    each.close()
            self._process.wait()


@contextmanager
def asking(plan: Plan) -> Iterator[Ask]:
    """What answers for one policy; nothing runs for one that seeks no entities."""
    search = entity_search(plan)
    if search is None:
        yield nobody_asked
        return
    pipe = PresidioPipe(search)
    try:
        yield pipe.ask
    finally:
        pipe.close()


def cost_of(plan: Plan) -> float | None:
    """Milliseconds of one processor for a kilobyte of text, measured here; None where no entities are sought. Raises
    PresidioUnusable."""
    search = entity_search(plan)
    if search is None:
        return None
    pipe = PresidioPipe(search)
    try:
        pipe.start()
        return pipe.ms_per_kb
    finally:
        pipe.close()


@contextmanager
def _ended_after(seconds: float, process: subprocess.Popen[bytes]) -> Iterator[None]:
    timer = threading.Timer(seconds, process.kill)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _streams(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    assert process.stdin is not None and process.stdout is not None
    return process.stdin, process.stdout


def _decoded(line: bytes) -> dict[str, Any]:
    try:
        said = msgspec.json.decode(line)
    except msgspec.DecodeError:
        return {}
    return said if isinstance(said, dict) else {}
