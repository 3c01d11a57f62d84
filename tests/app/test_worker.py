"""Workers: what a signal to end does to requests that are on their way, and what becomes of one that stands still."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import threading
import time
from collections import Counter
from itertools import cycle
from urllib.parse import urlsplit

import pytest
from support.serving import ASK, Serving, eventually, wait_for_end


def completion(stream: bool) -> bytes:
    body = json.dumps(ASK | {"stream": stream, "max_tokens": 20}).encode()
    head = "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: "
    return f"{head}{len(body)}\r\n\r\n".encode() + body


HEALTH = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n"
ANSWER, STREAM = completion(stream=False), completion(stream=True)
THREADS = 8


def whole(received: bytes) -> bool:
    """Whether an answer has come to its end."""
    head, _, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head)
    return body.endswith(b"0\r\n\r\n") if length is None else len(body) == int(length[1])


class Hammer:
    """Clients that ask all the time, half of them on a new connection for each request, half on one that is kept.

    Each request has a fate: "answered", "refused" when nothing was sent, or "cut" when its answer did not come whole.
    """

    def __init__(self, url: str, requests: tuple[bytes, ...]) -> None:
        parts = urlsplit(url)
        self._requests = requests
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
        requests = cycle(self._requests)
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
                while self._ask(connection, next(requests)) and kept and not self._stop.is_set():
                    pass

    def _ask(self, connection: socket.socket, request: bytes) -> bool:
        """Whether the connection may be used again."""
        received = b""
        try:
            connection.sendall(request)
            while not whole(received):
                part = connection.recv(65536)
                if not part:
                    raise ConnectionError("the connection ended")
                received += part
        except OSError as error:
            self.fates[f"cut: {type(error).__name__} after {len(received)} bytes"] += 1
            return False
        fit = received.startswith(b"HTTP/1.1 200 ") and (request is not STREAM or b"data: [DONE]\n\n" in received)
        self.fates["answered" if fit else f"answered wrongly: {received[:200]!r}"] += 1
        return b"connection: close" not in received


def end_under_load(serving: Serving, *requests: bytes) -> Counter[str]:
    with Hammer(serving.url, requests) as hammer:
        eventually(lambda: hammer.fates["answered"] > 200)
        assert serving.stop() == 0
        eventually(lambda: hammer.fates["refused"] > 0)
    return hammer.fates


@pytest.mark.parametrize("workers", ["1", "2"])
def test_no_request_is_cut_by_the_signal_to_end(serve, policy, workers):
    """Each is answered, or its connection was refused before anything was sent."""
    fates = end_under_load(serve(policy, "--workers", workers), HEALTH, ANSWER, STREAM)
    assert set(fates) == {"answered", "refused"}, fates


@pytest.mark.prove
@pytest.mark.timeout(900)
@pytest.mark.parametrize("requests", [(HEALTH,), (ANSWER, STREAM)], ids=["answered here", "answered by a backend"])
def test_none_of_twenty_ends_cuts_a_request(serve, policy, requests):
    fates: Counter[str] = Counter()
    for _ in range(20):
        fates += end_under_load(serve(policy, "--workers", "2"), *requests)
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
