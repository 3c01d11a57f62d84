"""The process in which apprise runs: `python -m router.admin.alerts.targets.apprise_process`, a `Task` on its input."""

from __future__ import annotations

import logging
import sys

import msgspec

from router.admin.alerts.targets.apprise import NO_ADDRESS, NOT_INSTALLED, REFUSED, Task
from router.upstream.outbound_guard import OutboundGuard


def main() -> int:
    task = msgspec.json.decode(sys.stdin.buffer.read(), type=Task)
    try:
        import apprise  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        return NOT_INSTALLED
    logging.disable(logging.CRITICAL)  # its lines may hold the address
    OutboundGuard(task.hosts).install()
    sender = apprise.Apprise()
    if not sender.add(task.url):
        return NO_ADDRESS
    return 0 if sender.notify(task.body, task.title, body_format=apprise.NotifyFormat.TEXT) else REFUSED


if __name__ == "__main__":
    raise SystemExit(main())
