"""What a process may connect to; the hook itself is tried in a process of its own, since it cannot be taken away."""

from __future__ import annotations

import socket
import subprocess
import sys
from typing import Any

import pytest

from router.upstream.outbound_guard import OutboundGuard, UnreachableError

REACH = OutboundGuard(["api.example.com:443", "127.0.0.1:8000", "*.cloud.example.com"], ["/run/ledger.sock"])
REACH.found("api.example.com", ["192.0.2.1", "2001:db8::1"])


@pytest.mark.parametrize(
    ("event", "arguments"),
    [
        ("socket.connect", (None, ("192.0.2.1", 443))),
        ("socket.connect", (None, ("2001:db8::1", 443, 0, 0))),
        ("socket.connect", (None, ("127.0.0.1", 8000))),
        ("socket.connect", (None, "/run/ledger.sock")),
        ("socket.getaddrinfo", ("api.example.com", 443, 0, 1, 0)),
        ("socket.getaddrinfo", (b"a.cloud.example.com", None, 0, 1, 0)),
        ("socket.getaddrinfo", (None, 443, 0, 1, 0)),
        ("socket.getaddrinfo", ("192.0.2.9", 443, 0, 1, 0)),
        ("socket.bind", (None, ("0.0.0.0", 1))),
        ("socket.sendmsg", (None, None)),
    ],
)
def test_what_is_named_is_reached(event: str, arguments: tuple[Any, ...]) -> None:
    REACH.check(event, arguments)


@pytest.mark.parametrize(
    ("event", "arguments"),
    [
        ("socket.connect", (None, ("192.0.2.1", 80))),
        ("socket.connect", (None, ("192.0.2.2", 443))),
        ("socket.connect", (None, ("127.0.0.1", 3128))),
        ("socket.connect", (None, ("evil.example.com", 443))),
        ("socket.connect", (None, "/var/run/docker.sock")),
        ("socket.sendto", (None, ("192.0.2.2", 53))),
        ("socket.sendmsg", (None, ("192.0.2.2", 53))),
        ("socket.getaddrinfo", ("evil.example.com", 443, 0, 1, 0)),
        ("socket.gethostbyname", ("evil.example.com",)),
    ],
)
def test_nothing_else_is(event: str, arguments: tuple[Any, ...]) -> None:
    with pytest.raises(UnreachableError):
        REACH.check(event, arguments)


SCRIPT = """
import http.client, sys, urllib.request
from router.upstream.outbound_guard import OutboundGuard, UnreachableError
OutboundGuard([f"localhost:{sys.argv[1]}"]).install()
print(urllib.request.urlopen(f"http://localhost:{sys.argv[1]}/", timeout=5).status)
for port in (sys.argv[2],):
    try:
        http.client.HTTPConnection("127.0.0.1", int(port), timeout=5).request("GET", "/")
    except UnreachableError as error:
        print(error)
"""


def test_a_process_gets_only_to_what_it_is_for() -> None:
    """By name, whose address is then reached; another port of the same machine is not."""
    with socket.create_server(("127.0.0.1", 0)) as named, socket.create_server(("127.0.0.1", 0)) as other:
        ports = [str(each.getsockname()[1]) for each in (named, other)]
        with subprocess.Popen([sys.executable, "-c", SCRIPT, *ports], stdout=subprocess.PIPE, text=True) as process:
            connection, _ = named.accept()
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            said, _ = process.communicate(timeout=20)
            connection.close()
        other.setblocking(False)
        with pytest.raises(BlockingIOError):
            other.accept()
    assert said.splitlines() == ["200", f"127.0.0.1:{ports[1]} is nothing that the policy names"]
