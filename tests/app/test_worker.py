"""Workers: what a signal to end does to requests that are on their way, and what becomes of one that stands still."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections import Counter
from urllib.parse import urlsplit

import pytest
from support.serving import Serving, eventually, wait_for_end

REQUEST = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"
THREADS = 8


class Hammer:
    """Clients that ask all the time, half of them on a new connection for each request, half on one that is kept."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._address = (parts.hostname or "", parts.port or 0)
        self._stop = threading.Event()
        self.fates: Counter[str] = Counter()
        self._threads = [threading.Thread(target=self._hammer, args=(kept,)) for kept in (True, False) * (THREADS // 2)]

    def __enter__(self) -> Hammer:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(20)

    def _hammer(self, kept: bool) -> None:
        while not self._stop.is_set():
            connection = socket.socket()
            connection.settimeout(3)
            try:
                connection.connect(self._address)
            except OSError:
                self.fates["refused"] += 1  # nothing was sent
                time.sleep(0.01)
                continue
            with connection:
                while self._ask(connection) and kept and not self._stop.is_set():
                    pass

    def _ask(self, connection: socket.socket) -> bool:
        """Whether the connection may be used again."""
        received = b""
        try:
            connection.sendall(REQUEST)
            while b"\r\n\r\n" not in received or not received.endswith(b"}"):
                part = connection.recv(65536)
                if not part:
                    raise ConnectionError("the connection ended")
                received += part
        except OSError as error:
            self.fates[f"cut: {type(error).__name__} after {len(received)} bytes"] += 1
            return False
        self.fates["answered"] += 1
        return b"connection: close" not in received


def end_under_load(serving: Serving) -> Counter[str]:
    with Hammer(serving.url) as hammer:
        eventually(lambda: hammer.fates["answered"] > 200)
        assert serving.stop() == 0
        eventually(lambda: hammer.fates["refused"] > 0)
    return hammer.fates


@pytest.mark.parametrize("workers", ["1", "2"])
def test_no_request_is_cut_by_the_signal_to_end(serve, policy, workers):
    """Each is answered, or its connection was refused before anything was sent."""
    fates = end_under_load(serve(policy, "--workers", workers))
    assert set(fates) == {"answered", "refused"}, fates


@pytest.mark.prove
def test_none_of_twenty_ends_cuts_a_request(serve, policy):
    fates: Counter[str] = Counter()
    for _ in range(20):
        fates += end_under_load(serve(policy, "--workers", "2"))
    assert set(fates) == {"answered", "refused"}, fates


def test_a_worker_that_the_system_stopped_is_replaced(serve, policy):
    serving = serve(policy)
    (stopped,) = serving.workers()
    os.kill(stopped.pid, signal.SIGSTOP)
    began = time.monotonic()
    wait_for_end(stopped)
    assert time.monotonic() - began < 12
    (line,) = serving.log("process stands still")
    assert (line["child"], line["pid"]) == ("worker 0", stopped.pid)
    assert "SIGSTOP" in line["stack"]
    eventually(lambda: serving.workers() and serving.workers() != [stopped])
    eventually(lambda: answers(serving))


def answers(serving: Serving) -> bool:
    try:
        return serving.ask().status == 200
    except OSError:
        return False
