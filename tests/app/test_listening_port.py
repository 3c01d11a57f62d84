"""Taking the common port."""

from __future__ import annotations

import socket
import sys

import pytest

from router.app.listening_port import PortTaken, join_port, take_port, turn_away


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_free_port_is_kept_for_sockets_that_share_it(host):
    claim, port = take_port(host, 0)
    with claim, socket.socket(claim.family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind((host, port))
        listener.listen()
        with socket.create_connection((host, port), timeout=5):
            pass
        with pytest.raises(PortTaken, match=f"port {port} on {host} is in use"):
            take_port(host, port)


def test_those_who_join_share_the_port():
    claim, port = take_port("127.0.0.1", 0)
    with claim, join_port("127.0.0.1", port) as first, join_port("127.0.0.1", port) as second:
        assert first.getsockname() == second.getsockname() == ("127.0.0.1", port)


def test_the_option_that_helps_is_named():
    taken = pytest.raises(PortTaken, match="choose another with --admin-port")
    with socket.create_server(("127.0.0.1", 0)) as server, taken:
        take_port(*server.getsockname(), "--admin-port")


def test_the_claim_alone_takes_no_connections():
    claim, port = take_port("127.0.0.1", 0)
    with claim, pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)


def test_a_port_that_was_just_closed_can_be_taken():
    """Connections of a gateway that has just ended linger on in the kernel."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            server.accept()[0].close()
    take_port("127.0.0.1", port)[0].close()


@pytest.mark.parametrize("host", ["192.0.2.1", "not an address"])
def test_an_address_that_cannot_be_had(host):
    with pytest.raises(PortTaken, match=f"cannot listen on {host}:0: "):
        take_port(host, 0)


def test_a_listener_that_turns_away_still_hands_over_what_had_begun():
    """A new connection does not begin, and is refused once the listener is closed: nothing was sent to be lost."""
    if sys.platform != "linux":
        pytest.skip("only Linux can drop what begins at one listener")
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as early:
        early.sendall(b"a request")
        turn_away(listener)
        with socket.socket() as late:
            late.settimeout(0.2)
            with pytest.raises(TimeoutError):
                late.connect(listener.getsockname())
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.recv(100) == b"a request"
            accepted.sendall(b"an answer")
        assert early.recv(100) == b"an answer"
