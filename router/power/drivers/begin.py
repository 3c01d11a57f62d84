"""Begins a program and puts down which process it is, as the program's own first act: `python -m ....begin`.

What it is to do comes as JSON on standard input, since arguments can be read by every user of the machine.

Whoever asked for it may be killed at any moment, and then another may ask for the same. So this process takes the lock,
which a program that is to outlive us keeps for as long as it runs, and writes the file by which it is found again,
before the program has done anything: at no moment does a program run and nothing tells of it. Beside a program that is
to outlive us another process stays, which only writes down when that has ended.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sys
import time
from pathlib import Path
from typing import NoReturn

import msgspec

from router.power.drivers.process_identity import identity_of
from router.system.atomic_file import replace_file

ONLY_OWNER = 0o077
CANNOT_RUN = 127
"""Exit code of what could not be started at all, as shells have it."""
BUSY = 75
"""Exit code when another one holds the lock."""
UNWANTED = 76
"""Exit code when whoever asked was gone before it was begun."""
TRIES, TRY_SECONDS = 10, 0.05


class Order(msgspec.Struct, frozen=True):
    command: tuple[str, ...]
    environment: dict[str, str]
    folder: str
    """Where it runs, and where its lock and its file are."""
    name: str
    """Of that file, without its ending."""
    mark: str
    """Differs from that of any other run."""
    at: float
    """When it was asked for, in seconds since the epoch."""
    detached: bool
    """To go on when we are gone, writing to a log; or to end with whoever reads what it says."""
    terms: str = ""
    """Differs for a command that would do something else."""
    asker: int = 0
    """The process that asked for it and waits to hear of it; 0 where nobody does."""


class Ending(msgspec.Struct, frozen=True):
    """When a run was over: the content of a file beside its own."""

    mark: str
    """Of that run."""
    at: float


class Run(msgspec.Struct, frozen=True):
    """What was begun: the content of the file."""

    pid: int
    identity: str
    mark: str
    at: float
    terms: str = ""
    began: float = 0.0
    """When its process began, in seconds since the epoch; 0 when that was not written down."""


def file_of(folder: Path, name: str) -> Path:
    return folder / f"{name}.json"


def ending_of(folder: Path, name: str) -> Path:
    return folder / f"{name}-ending.json"


def lock_of(folder: Path, name: str) -> Path:
    return folder / f"{name}.lock"


def log_of(folder: Path, name: str) -> Path:
    return folder / f"{name}.log"


def main() -> int:
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    os.umask(ONLY_OWNER)
    folder = Path(order.folder)
    lock = os.open(lock_of(folder, order.name), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    if not _taken(lock):
        sys.stderr.write("another one runs already, or is about to\n")
        return 0 if order.detached else BUSY
    # Only now: whoever looks from here on sees that something is about to run, and can end it. What somebody asked for
    # who was killed would else be begun after another has ended all that there was.
    if order.asker and os.getppid() != order.asker:
        sys.stderr.write("who asked for it is gone\n")
        return UNWANTED
    return _detached(order, folder, lock) if order.detached else _become(order, folder)


def _taken(lock: int) -> bool:
    """Tried for a moment: whoever looks whether it is held takes it for less than that."""
    for _ in range(TRIES):
        with contextlib.suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(TRY_SECONDS)
    return False


def _detached(order: Order, folder: Path, lock: int) -> int:
    """The program runs in a session of its own, as the child of one that only waits for its end; the answer is whether
    it could be started."""
    os.set_inheritable(lock, True)
    log = log_of(folder, order.name)
    with contextlib.suppress(FileNotFoundError):
        log.replace(log.with_suffix(".log.1"))
    hear, tell = os.pipe()
    if os.fork():
        os.close(tell)
        return CANNOT_RUN if _heard(hear) else 0
    os.setsid()  # before the program is there: from now on nobody ends one without the other
    if pid := os.fork():
        _watch(pid, order, ending_of(folder, order.name))
    began = time.time()
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    errors = os.dup(2)
    os.dup2(written, 1)
    os.dup2(written, 2)
    code = _become(order, folder, errors, began)
    os.close(lock)  # before it is told: who hears of it may look at once
    os.write(tell, b"x")
    return code


def _heard(pipe: int) -> bytes:
    """Empty once the program has taken the place of who could write here."""
    return os.read(pipe, 1)


def _watch(pid: int, order: Order, path: Path) -> NoReturn:
    """Writes down when the program ended, while whoever started it may be killed, and nobody look."""
    # The lock is the program's, and whoever reads what we say waits until nobody has it open.
    for number in [int(each.name) for each in Path("/dev/fd").iterdir()]:
        with contextlib.suppress(OSError):
            os.close(number)
    os.waitpid(pid, 0)
    ending = Ending(order.mark, time.time())
    try:
        replace_file(path, msgspec.json.encode(ending))
    finally:
        os._exit(0)


def _become(order: Order, folder: Path, errors: int = 2, began: float = 0.0) -> int:
    """Does not return, unless the program cannot be started."""
    path = file_of(folder, order.name)
    run = Run(os.getpid(), identity_of(os.getpid()), order.mark, order.at, order.terms, began)
    replace_file(path, msgspec.json.encode(run))
    try:
        os.chdir(folder)
        os.execvpe(order.command[0], order.command, order.environment)  # noqa: S606
    except OSError as error:
        path.unlink(missing_ok=True)
        os.write(errors, f"{order.command[0]}: {error.strerror}\n".encode())
    return CANNOT_RUN


if __name__ == "__main__":
    sys.exit(main())
