"""One POST, and nowhere else."""

from __future__ import annotations

import socket

import pytest

from router.admin.alerts.targets import http_post
from router.admin.alerts.targets.http_post import NotPublic, addresses_of, check_address, is_written_out, post
from router.admin.alerts.targets.target import MayBeRefused, NotDelivered, Refused


async def send(url: str, timeout: float = 5.0, private: bool = False) -> None:
    await post(url, b"{}", {"content-type": "application/json"}, timeout, private=private)


async def test_what_is_answered_with_success_arrived(receiver):
    receiver.answers = [204]
    await send(receiver.url)
    assert [(each.path, each.body) for each in receiver.received] == [("/hook", b"{}")]


@pytest.mark.parametrize("status", [301, 307, 308, 400, 404, 429, 500, 503])
async def test_everything_else_did_not_and_no_redirect_is_followed(receiver, status):
    receiver.answers, receiver.location = [status], receiver.url
    with pytest.raises(NotDelivered, match=f"^answered with {status}$"):
        await send(receiver.url)
    assert len(receiver.received) == 1


@pytest.mark.parametrize(("status", "kind"), [(400, MayBeRefused), (413, Refused), (422, Refused)])
async def test_a_refusal_of_the_body_is_told_apart(receiver, status, kind):
    receiver.answers = [status]
    with pytest.raises(NotDelivered) as raised:
        await send(receiver.url)
    assert type(raised.value) is kind


@pytest.mark.parametrize(
    "status", [401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 415, 418, 421, 429, 431, 451]
)
async def test_what_speaks_of_the_address_or_of_who_asks_is_no_refusal_of_the_body(receiver, status):
    """A proxy answers so in the place of a target that is being put in anew."""
    receiver.answers = [status]
    with pytest.raises(NotDelivered) as raised:
        await send(receiver.url)
    assert type(raised.value) is NotDelivered


async def test_one_that_hangs_is_left_alone_in_time(receiver):
    receiver.answers = [None]
    with pytest.raises(NotDelivered, match=r"no answer within 0\.2 s"):
        await send(receiver.url, 0.2)


async def test_no_proxy_of_the_environment_is_used(receiver, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    await send(receiver.url)
    assert len(receiver.received) == 1


async def test_a_name_that_leads_into_the_own_network_needs_permission(receiver, monkeypatch):
    loop_address = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", receiver.port))]

    async def resolve(self, host, port, **options):
        assert host == "ops.example.com"
        return loop_address

    monkeypatch.setattr("asyncio.base_events.BaseEventLoop.getaddrinfo", resolve)
    url = f"http://ops.example.com:{receiver.port}/hook"
    with pytest.raises(NotDelivered, match="own network"):
        await send(url)
    assert receiver.received == []
    await send(url, private=True)
    assert len(receiver.received) == 1


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.1.2.3", "192.168.0.9", "169.254.169.254", "::1", "fe80::1%eth0", "fd00::1", "0.0.0.0"]
)
def test_addresses_of_ones_own_are_known(address):
    with pytest.raises(NotPublic):
        check_address(address, private=False)
    check_address(address, private=True)
    check_address("203.1.113.9", private=False)


def test_what_the_policy_writes_out_it_means():
    assert all(map(is_written_out, ("127.0.0.1", "[::1]", "localhost", "LOCALHOST")))
    assert not is_written_out("ops.example.com")


async def test_localhost_may_be_this_machine():
    assert {address for _, address in await addresses_of("localhost", 80, private=False)} <= {"127.0.0.1", "::1"}


async def test_why_it_failed_names_no_address():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(NotDelivered, match=r"^no connection: ") as refused:
        await send(f"http://127.0.0.1:{port}/T0KEN")
    assert "T0KEN" not in str(refused.value)
    with pytest.raises(NotDelivered) as broken:
        await send("http://127.0.0.1:notaport/T0KEN")
    assert "T0KEN" not in str(broken.value)


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (socket.gaierror(1, "x"), "its name leads nowhere"),
        (http_post.ssl.SSLError(), "its certificate or TLS is refused"),
    ],
)
def test_other_reasons_have_words(error, why):
    assert http_post._why(error) == why
