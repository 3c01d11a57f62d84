"""`breakeven serve` and pretended backends as real processes, for tests that need the whole gateway."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import router

T = TypeVar("T")

PROJECT = Path(__file__).parents[2]
TESTED = Path(router.__file__).parents[1]
"""Where the package is imported from: the source tree, or where a compiled one was installed."""
PATIENCE = 20.0
"""Seconds after which a test gives up; nothing waits that long unless it is broken."""
STARTS_WITHIN = 60.0
"""Seconds for a process to say that it is there, on a machine that is busy with other things."""
OUTSIDE = ("OTEL_", "VLLM_", "OPENAI_BASE_URL", "BREAKEVEN_")
"""What the settings of whoever runs the tests begin with, apart from keys; those that the tests need are `NEEDED`."""
NEEDED = ("BREAKEVEN_ADAPTER_PYTHON",)
ASK = {"model": "chat", "messages": [{"role": "user", "content": "What is the capital of France?"}]}


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """What a process gets: nothing of the provider keys, addresses and folders of whoever runs the tests.

    It imports what is tested here; the source tree would take the place of a compiled package.
    """
    kept = {name: value for name, value in os.environ.items() if not is_setting(name)}
    source = {"PYTHONPATH": str(PROJECT)} if TESTED == PROJECT else {}
    return {**kept, **source, **(extra or {})}


def is_setting(name: str) -> bool:
    """Whether it is something that whoever runs the tests has set for a gateway of their own."""
    return name not in NEEDED and (name.endswith("_API_KEY") or name.startswith(OUTSIDE))


def eventually(look: Callable[[], T], seconds: float = PATIENCE) -> T:
    """The first answer of `look` that is true, for what no event tells."""
    give_up = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < give_up, "it did not happen in time"
        time.sleep(0.02)
    return found


# --- processes


@contextlib.contextmanager
def ended_unless_it_speaks(process: subprocess.Popen[str]) -> Iterator[None]:
    """Around reading what a process says first: one that says nothing is killed, which ends the reading."""
    killer = threading.Timer(STARTS_WITHIN, process.kill)
    killer.daemon = True
    killer.start()
    try:
        yield
    finally:
        killer.cancel()


@dataclass(frozen=True)
class Process:
    pid: int
    command: str

    @property
    def alive(self) -> bool:
        """False for one that has ended, and for a number that another program has by now."""
        return _command(self.pid) == self.command

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)


def _command(pid: int) -> str:
    """The command line, which only living processes have."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    return ""


def children_of(pid: int) -> list[Process]:
    with contextlib.suppress(OSError):
        listed = " ".join(path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children"))
        found = [Process(int(each), _command(int(each))) for each in listed.split()]
        return [each for each in found if each.command]
    return []


def rss_mib(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:"))


def wait_for_end(process: Process) -> None:
    """Until it has ended, whoever's child it is.

    One that is about to end has no command line any more, and may still have its sockets.
    """
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return
    try:
        another = _command(process.pid) not in ("", process.command)
        assert another or select.select([handle], [], [], PATIENCE)[0], f"{process.command} still runs"
    finally:
        os.close(handle)


# --- HTTP


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def backend(self) -> str:
        return self.headers.get("x-breakeven-backend", "")

    @property
    def code(self) -> str:
        return str(self.json["error"]["code"])


@contextlib.contextmanager
def connected(url: str) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE)
    try:
        yield connection
    finally:
        connection.close()


def request(
    connection: http.client.HTTPConnection, method: str, path: str, body: Any = None, headers: Any = None
) -> Answer:
    content = None if body is None else json.dumps(body).encode()
    connection.request(method, path, content, {"content-type": "application/json", **(headers or {})})
    response = connection.getresponse()
    found = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, found, response.read())


def get(url: str) -> Answer:
    with connected(url) as connection:
        return request(connection, "GET", urlsplit(url).path)


# --- the gateway


@dataclass
class Serving:
    """`python -m router serve`; `start` returns once it has greeted, `stop` once it has ended."""

    data_dir: Path
    arguments: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    greeting: str = ""
    url: str = ""
    admin_url: str = ""
    process: subprocess.Popen[str] | None = None
    program: Sequence[str] = ("-m", "router")
    cwd: Path = PROJECT
    before: Sequence[str] = ()
    """A program that runs it, such as strace."""

    def start(self) -> Serving:
        command = [*self.before, sys.executable, *self.program, "serve", "--port", "0", "--admin-port", "0"]
        command += ["--data-dir", str(self.data_dir)]
        with self.log_path.open("a") as log:
            self.process = subprocess.Popen(
                [*command, *self.arguments],
                stdout=subprocess.PIPE,
                stderr=log,
                stdin=subprocess.DEVNULL,
                text=True,
                env=clean_environment(self.environment),
                cwd=self.cwd,
            )
        assert self.process.stdout is not None
        self.greeting = ""
        with ended_unless_it_speaks(self.process):
            for line in self.process.stdout:
                self.greeting += line
                if line.startswith("curl "):
                    break
            else:
                raise AssertionError(f"it ended with {self.process.wait()}: {self.log_path.read_text()}")
        self.url = self.greeting.split("serves on ")[1].split(" ")[0]
        self.admin_url = self.greeting.split("Dashboard: ")[1].split(",")[0]
        return self

    @property
    def log_path(self) -> Path:
        return self.data_dir.with_name(self.data_dir.name + ".log")

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def curl(self) -> str:
        return self.greeting.splitlines()[-1]

    def children(self, kind: str = "") -> list[Process]:
        """`kind` is a part of the command line, such as "worker"."""
        return [child for child in children_of(self.pid) if kind in child.command]

    def workers(self) -> list[Process]:
        return self.children("router.app.worker")

    def valkey(self) -> Process | None:
        return next(iter(self.children("valkey-server")), None)

    def log(self, event: str = "") -> list[dict[str, Any]]:
        """Structured log lines whose event contains `event`."""
        lines = [json.loads(line) for line in self.log_path.read_text().splitlines() if line.startswith("{")]
        return [line for line in lines if event in line["event"]]

    def ask(self, headers: Mapping[str, str] | None = None, path: str = "/v1/chat/completions", **body: Any) -> Answer:
        """One request on a connection of its own."""
        with connected(self.url) as connection:
            return request(connection, "POST", path, {**ASK, **body}, headers)

    def ready(self) -> Any:
        """What /readyz reports."""
        return get(f"{self.url}/readyz").json

    def usage(self, by: str = "backend") -> dict[str, Any]:
        """What `breakeven usage` reports today, by name, and in all as "total"."""
        return usage(self.data_dir, by)

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def wait(self) -> int:
        assert self.process is not None and self.process.stdout is not None
        code = self.process.wait(PATIENCE)
        self.process.stdout.close()
        return code

    def stop(self) -> int:
        """SIGTERM, and its exit code; nothing that it started may be left."""
        if self.process is None or self.process.poll() is not None:
            return self.wait()
        family = self.children()
        self.signal(signal.SIGTERM)
        try:
            code = self.wait()
        except subprocess.TimeoutExpired:
            for process in (*family, Process(self.pid, _command(self.pid))):
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
            raise
        left = [child.command for child in family if child.alive]
        assert not left, left
        return code


def usage(data_dir: Path, by: str = "backend", *arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "router", "usage", "--json", "--by", by, "--data-dir", str(data_dir), *arguments]
    result = subprocess.run(
        command, capture_output=True, text=True, env=clean_environment(), cwd=PROJECT, timeout=STARTS_WITHIN
    )
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    return {row[by]: row for row in report["rows"]} | {"total": report["total"]}


def refused(data_dir: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a `serve` that is expected to end by itself."""
    command = [sys.executable, "-m", "router", "serve", "--port", "0", "--admin-port", "0", *arguments]
    command += ["--data-dir", str(data_dir)]
    result = subprocess.run(
        command, capture_output=True, text=True, env=clean_environment(environment), cwd=PROJECT, timeout=PATIENCE
    )
    return result.returncode, result.stdout, result.stderr


# --- pretended backends


@dataclass
class Pretended:
    """`python -m router.simulate`; `url` ends in /v1."""

    process: subprocess.Popen[str]
    url: str

    @classmethod
    def start(cls, kind: str, *arguments: str) -> Pretended:
        command = [sys.executable, "-m", "router.simulate", "--kind", kind, *arguments]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=clean_environment(), cwd=PROJECT)
        assert process.stdout is not None
        with ended_unless_it_speaks(process):
            line = process.stdout.readline()
        assert line.startswith("listening on "), line
        return cls(process, line.split()[-1].rstrip("/") + "/v1")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(PATIENCE)
        assert self.process.stdout is not None
        self.process.stdout.close()
