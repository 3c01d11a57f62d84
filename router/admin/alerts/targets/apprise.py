"""Everything else: what the library apprise speaks, in a process of its own.

The library follows redirects and obeys the environment. So it runs where nothing of the environment is, and where a
guard lets it connect to the hosts that `secrets` names for its address, and to no other.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable

import msgspec
from msgspec import Struct

from router.admin.alerts.targets.places import secret_of
from router.admin.alerts.targets.target import NotDelivered
from router.core.alerts.notices import Message
from router.core.alerts.policy import AppriseTarget
from router.core.policy import Policy

NOT_INSTALLED, REFUSED, NO_ADDRESS = 3, 4, 5
"""How the process ends."""
_WHY = {
    NOT_INSTALLED: "the library apprise is not installed: pip install 'breakeven[alerts]'",
    REFUSED: "apprise could not deliver it",
    NO_ADDRESS: "apprise knows no such address",
}
_KEPT = ("PATH", "PYTHONPATH", "LANG", "SSL_CERT_FILE", "SSL_CERT_DIR", "SYSTEMROOT", "TZ")


class Task(Struct, frozen=True):
    """What the process is told on its standard input."""

    url: str
    hosts: tuple[str, ...]
    title: str
    body: str


class Apprise:
    def __init__(self, target: AppriseTarget, policy: Policy, clock: Callable[[], float]) -> None:
        self._target, self._policy = target, policy

    async def send(self, message: Message) -> None:
        target = self._target
        hosts = self._policy.secrets.get(target.url.partition(":")[2], ())
        task = Task(secret_of(target.url), hosts, message.subject, "\n\n".join(message.lines))
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "router.admin.alerts.targets.apprise_process",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env={name: os.environ[name] for name in _KEPT if name in os.environ},
        )
        try:
            async with asyncio.timeout(target.timeout):
                await process.communicate(msgspec.json.encode(task))
        except TimeoutError:
            raise NotDelivered(f"no answer within {target.timeout:g} s") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            raise NotDelivered(_WHY.get(process.returncode, f"apprise ended with {process.returncode}"))
