"""A redis-server that tests kill and start again, with its data."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from support.engines import free_port
from support.serving import eventually
from valkey import Valkey
from valkey.exceptions import ValkeyError


class RedisServer:
    """On a unix socket (replicas use a port of loopback), with an append-only file. `start` returns once it answers."""

    def __init__(self, folder: Path, fsync: str = "everysec") -> None:
        if shutil.which("redis-server") is None:
            pytest.skip("redis-server is not installed")
        self.path = folder / "s"
        self.url = f"unix://{self.path}"
        self._folder = folder
        self._fsync = fsync
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        self.port = free_port()
        append = ("--appendonly", "yes", "--appendfsync", self._fsync, "--save", "", "--repl-diskless-sync-delay", "0")
        at = ("--port", str(self.port), "--bind", "127.0.0.1", "--unixsocket", "s", "--dir", str(self._folder))
        command = ["redis-server", *at, *append]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        eventually(self.answers)

    def follow(self, master: RedisServer) -> None:
        with Valkey.from_url(self.url) as client:
            client.execute_command("REPLICAOF", "127.0.0.1", master.port)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def lose_tail(self, seconds: float) -> None:
        """Killed, started again, and what it wrote in the last `seconds` is gone: what a power cut does."""
        (file,) = (self._folder / "appendonlydir").glob("*.incr.aof")
        kept = file.stat().st_size
        time.sleep(seconds)
        self.kill()
        os.truncate(file, kept)
        self.start()

    def answers(self) -> bool:
        with contextlib.suppress(ValkeyError), Valkey.from_url(self.url) as client:
            return bool(client.ping())
        return False
