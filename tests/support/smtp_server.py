"""A server that takes mail: it records what comes, and answers as a test says."""

from __future__ import annotations

import asyncio
import base64
import email
import ssl
from dataclasses import dataclass, field
from email.message import Message
from email.policy import default


@dataclass
class SmtpServer:
    """Speaks as much of SMTP as a client needs; `refusing` are commands that it answers with `refusal`, and `hanging`
    those that it does not answer."""

    tls: ssl.SSLContext | None = None
    """For STARTTLS."""
    port: int = 0
    mails: list[Message] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    refusing: set[str] = field(default_factory=set)
    refusal: int = 550
    hanging: set[str] = field(default_factory=set)
    secured: bool = False
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self) -> SmtpServer:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            await self._talk(reader, writer)
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ready\r\n")
        while line := (await reader.readline()).decode().strip():
            command, _, rest = line.partition(" ")
            command = command.upper()
            if command in self.hanging:
                await asyncio.Event().wait()
            if command in self.refusing:
                writer.write(b"%d no\r\n" % self.refusal)
            elif command == "EHLO":
                offers = b"250-STARTTLS\r\n" if self.tls is not None and not self.secured else b""
                writer.write(b"250-here\r\n" + offers + b"250 AUTH PLAIN\r\n")
            elif command == "STARTTLS":
                writer.write(b"220 go on\r\n")
                await writer.drain()
                assert self.tls is not None
                await writer.start_tls(self.tls)
                self.secured = True
            elif command == "AUTH":
                _, user, password = base64.b64decode(rest.split()[1]).decode().split("\0")
                self.logins.append((user, password))
                writer.write(b"235 welcome\r\n")
            elif command == "RCPT":
                self.recipients.append(rest.partition("<")[2].partition(">")[0])
                writer.write(b"250 ok\r\n")
            elif command == "DATA":
                writer.write(b"354 go on\r\n")
                await writer.drain()
                data = await reader.readuntil(b"\r\n.\r\n")
                self.mails.append(email.message_from_bytes(data[:-5], policy=default))
                writer.write(b"250 taken\r\n")
            elif command == "QUIT":
                writer.write(b"221 bye\r\n")
                await writer.drain()
                return
            else:
                writer.write(b"250 ok\r\n")
