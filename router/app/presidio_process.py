"""The process that looks for entities: `python -m router.app.presidio_process`, started by the supervisor.

What it is for comes as one JSON line on standard input, which then stays open: its end means that the supervisor is
gone. "ready" on standard output means that it answers. Ends with status 1 and a message where it cannot look.
"""

from __future__ import annotations

import asyncio
import sys

import msgspec

from router.app.heartbeat import beat_from
from router.app.parent_watch import stop_event
from router.app.presidio_settings import PresidioSettings
from router.presidio.analysis import Analysis, Unusable
from router.presidio.confined import confine
from router.presidio.finder import Finder
from router.presidio.serve import listening


def main() -> None:
    fed = sys.stdin.buffer.readline()
    if not fed:  # the supervisor ended first
        return
    settings = msgspec.json.decode(fed, type=PresidioSettings)
    confine()
    try:
        finder = Finder(Analysis(settings.model, settings.language, settings.entities))
    except Unusable as error:
        sys.exit(f"presidio cannot look for {', '.join(settings.entities)}: {error}")
    asyncio.run(_serve(finder, settings.socket))


async def _serve(finder: Finder, socket: str) -> None:
    loop = asyncio.get_running_loop()
    beat_from(sys.argv, loop)
    stop = stop_event(loop)
    async with listening(finder, socket):
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await stop.wait()


if __name__ == "__main__":
    main()
