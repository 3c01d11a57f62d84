"""A run of a thread as it goes: each event has one object, or a part of one, that is made within the thread.

https://platform.openai.com/docs/api-reference/assistants-streaming/events
"""

from __future__ import annotations

from router.surfaces.openai.kept import bodies
from router.surfaces.resources import MadeScanner


class RunScanner(MadeScanner):
    def _read(self, payload: bytes) -> bool:
        self.made |= dict.fromkeys(bodies.within(payload))
        return False
