"""A run of a thread as it goes: each event has one object, or a part of one, that is made within the thread.

https://platform.openai.com/docs/api-reference/assistants-streaming/events
"""

from __future__ import annotations

from router.surfaces.openai.kept import bodies
from router.surfaces.resources import MadeScanner
from router.surfaces.told_error import tells_error


class RunScanner(MadeScanner):
    """`done` or `error` is its last one."""

    @property
    def end(self) -> str:
        return "[DONE]"

    def _read(self, payload: bytes) -> bool:
        if payload.strip() == b"[DONE]":
            self.done = True
        elif tells_error(payload):
            self.error = True
        else:
            self.made |= dict.fromkeys(bodies.within(payload))
        return False
