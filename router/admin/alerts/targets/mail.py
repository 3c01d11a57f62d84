"""Mail, by a server of one's own (SMTP)."""

from __future__ import annotations

import asyncio
import smtplib
import socket
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime

from router.admin.alerts.targets.http_post import NotPublic, addresses_of
from router.admin.alerts.targets.places import secret_of
from router.admin.alerts.targets.target import MayBeRefused, NotDelivered, Refused
from router.core.alerts.notices import Message
from router.core.alerts.policy import MailTarget
from router.core.policy import Policy

TOO_LARGE = 552


class Mail:
    def __init__(self, target: MailTarget, policy: Policy, clock: Callable[[], float]) -> None:
        self._target = target

    async def send(self, message: Message) -> None:
        target = self._target
        password = secret_of(target.password) if target.password is not None else ""
        try:
            async with asyncio.timeout(target.timeout):
                addresses = await addresses_of(target.host, target.port, private=target.private)
                await _sent(_Session(target, addresses[0][1], password), mail_of(message, target))
        except TimeoutError:
            raise NotDelivered(f"no answer within {target.timeout:g} s") from None
        except NotPublic as error:
            raise NotDelivered(str(error)) from None
        except smtplib.SMTPAuthenticationError:
            raise NotDelivered("the server refused user and password") from None
        except smtplib.SMTPResponseException as error:
            raise _of(error)(f"the server answered with {error.smtp_code}") from None
        except smtplib.SMTPRecipientsRefused:
            raise NotDelivered("the server refused every recipient") from None
        except (smtplib.SMTPException, OSError) as error:
            raise NotDelivered(f"the connection failed ({type(error).__name__})") from None


def _of(error: smtplib.SMTPResponseException) -> type[NotDelivered]:
    """What was answered to the content is of the message, and too large it is for certain."""
    if not isinstance(error, smtplib.SMTPDataError) or error.smtp_code < 500:
        return NotDelivered
    return Refused if error.smtp_code == TOO_LARGE else MayBeRefused


async def _sent(session: _Session, mail: EmailMessage) -> None:
    """In a thread, whose connection is closed when this is cancelled: one that drips ends, too."""
    try:
        await asyncio.to_thread(session.send, mail)
    finally:
        session.close()


class _Session:
    """One connection to an address that was looked up, and may be connected to."""

    def __init__(self, target: MailTarget, address: str, password: str) -> None:
        self._target, self._address, self._password = target, address, password
        self._socket: socket.socket | None = None

    def send(self, mail: EmailMessage) -> None:
        """Raises smtplib.SMTPException and OSError."""
        target, context = self._target, ssl.create_default_context()
        plain = socket.create_connection((self._address, target.port), target.timeout)
        self._socket = plain
        if target.tls == "tls":
            self._socket = context.wrap_socket(plain, server_hostname=target.host)
        client = _Connected(self._socket, target.host)
        client.ehlo()
        if target.tls == "starttls":
            client.starttls(context=context)
            self._socket = client.sock
            client.ehlo()
        if target.user is not None:
            client.login(target.user, self._password)
        client.send_message(mail)
        client.putcmd("quit")  # it was taken: what is answered now changes nothing

    def close(self) -> None:
        if self._socket is not None:
            try:
                self._socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it is closed already
            self._socket.close()


class _Connected(smtplib.SMTP):
    """On a connection that is there."""

    def __init__(self, connection: socket.socket, host: str) -> None:
        super().__init__(local_hostname="breakeven.invalid")
        self.sock, self._host = connection, host  # the name that a certificate must have
        code, words = self.getreply()
        if code != 220:
            raise smtplib.SMTPConnectError(code, words)


def mail_of(message: Message, target: MailTarget) -> EmailMessage:
    mail = EmailMessage()
    mail["Subject"] = " ".join(message.subject.split())
    mail["From"], mail["To"] = target.sender, ", ".join(target.to)
    mail["Date"] = format_datetime(datetime.fromtimestamp(message.created, UTC))
    mail["Message-ID"] = f"<{message.id}@breakeven.invalid>"  # one that comes twice is shown once
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content("\n\n".join(message.lines) + "\n")
    html = next((each.html for each in message.notices if each.html), "")
    if html:
        mail.add_alternative(html, subtype="html")
    return mail
