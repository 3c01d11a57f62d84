"""Mail, to a real server of these tests."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace
from support.alerting import MESSAGE, NOTICE, plan_of_targets
from support.certificates import self_signed
from support.smtp_server import SmtpServer

from router.admin.alerts.targets.mail import mail_of
from router.admin.alerts.targets.registry import sender_of
from router.admin.alerts.targets.target import MayBeRefused, NotDelivered, Refused
from router.core.alerts.notices import Message

PASSWORD = "the-password-of-these-tests"


@pytest.fixture
async def server(monkeypatch) -> AsyncIterator[SmtpServer]:
    monkeypatch.setenv("SMTP_PASSWORD_OF_TESTS", PASSWORD)
    made = await SmtpServer().start()
    yield made
    await made.stop()


def sender(server: SmtpServer, more: str = "tls: none"):
    policy = plan_of_targets(
        f"post: {{kind: mail, host: 127.0.0.1, port: {server.port}, timeout: 1s, sender: gateway@example.com,"
        f" to: [ops@example.com, boss@example.com], {more}}}",
        f"secrets: {{SMTP_PASSWORD_OF_TESTS: ['127.0.0.1:{server.port}']}}\n",
    ).policy
    return sender_of("post", policy, lambda: 0.0)


async def test_everybody_gets_it_and_it_is_one_mail_however_often_it_comes(server):
    for _ in range(2):
        await sender(server).send(MESSAGE)
    first, again = server.mails
    assert (first["Subject"], first["From"]) == ("Half of it", "gateway@example.com")
    assert first["Message-ID"] == again["Message-ID"] == "<m1@breakeven.invalid>"
    assert first["Auto-Submitted"] == "auto-generated" and first["Date"]
    assert server.recipients[:2] == ["ops@example.com", "boss@example.com"]
    assert first.get_content().split("\r\n") == ["Half of it", "$1 of $2"]


async def test_names_from_outside_add_no_header(server):
    hostile = replace(NOTICE, title="key x\r\nBcc: all@example.com")
    await sender(server).send(Message("m2", 0.0, [hostile]))
    (mail,) = server.mails
    assert mail["Bcc"] is None and mail["Subject"] == "key x Bcc: all@example.com"


async def test_a_report_comes_as_html_too(server):
    await sender(server).send(Message("m3", 0.0, [replace(NOTICE, state="report", html="<p>Hello</p>")]))
    (mail,) = server.mails
    assert [part.get_content_type() for part in mail.walk()][1:] == ["text/plain", "text/html"]


async def test_it_signs_in_once_the_connection_is_secured(server, tmp_path, monkeypatch):
    pair = self_signed(tmp_path, "127.0.0.1")
    server.tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.tls.load_cert_chain(pair.chain, pair.key)
    signing_in = sender(server, "user: me, password: 'env:SMTP_PASSWORD_OF_TESTS'")
    with pytest.raises(NotDelivered):  # whose certificate nobody trusts
        await signing_in.send(MESSAGE)
    assert server.logins == []
    monkeypatch.setenv("SSL_CERT_FILE", str(pair.chain))
    server.secured = False
    await signing_in.send(MESSAGE)
    assert server.logins == [("me", PASSWORD)] and len(server.mails) == 1


async def test_without_tls_at_the_server_nobody_signs_in(server):
    with pytest.raises(NotDelivered):
        await sender(server, "user: me, password: 'env:SMTP_PASSWORD_OF_TESTS'").send(MESSAGE)
    assert server.logins == []


@pytest.mark.parametrize(
    ("command", "why"),
    [("RCPT", "refused every recipient"), ("MAIL", "answered with 550"), ("DATA", "answered with 550")],
)
async def test_what_the_server_refuses_did_not_arrive(server, command, why):
    server.refusing = {command}
    with pytest.raises(NotDelivered, match=why) as raised:
        await sender(server).send(MESSAGE)
    assert isinstance(raised.value, Refused) == (command == "DATA"), "what the mail itself says is refused after DATA"


@pytest.mark.parametrize(("refusal", "kind"), [(552, Refused), (554, MayBeRefused), (451, NotDelivered)])
async def test_only_too_large_is_of_the_mail_for_certain(server, refusal, kind):
    server.refusing, server.refusal = {"DATA"}, refusal
    with pytest.raises(NotDelivered) as raised:
        await sender(server).send(MESSAGE)
    assert type(raised.value) is kind


@pytest.mark.parametrize("command", ["EHLO", "DATA"])
async def test_one_that_hangs_is_left_alone_in_time(server, command):
    server.hanging = {command}
    with pytest.raises(NotDelivered, match=r"no answer within 1 s|connection failed"):
        await sender(server).send(MESSAGE)


async def test_what_was_taken_arrived_whatever_is_said_afterwards(server):
    server.hanging = {"QUIT"}
    await sender(server).send(MESSAGE)
    assert len(server.mails) == 1


async def test_one_that_is_not_there_is_told(server):
    await server.stop()
    with pytest.raises(NotDelivered, match=r"connection failed \(ConnectionRefusedError\)"):
        await sender(server).send(MESSAGE)


def test_the_same_message_is_the_same_mail(server):
    target = sender(server)._target
    one, other = (mail_of(replace(MESSAGE, attempts=n), target).as_bytes() for n in (0, 5))
    assert one == other
