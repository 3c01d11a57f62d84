"""`python -m support.word_finder SOCKET`: the process that looks for entities, with words in the place of Presidio.

A PERSON is "Ada", a LOCATION "Paris"; at "slowly" it takes as long as it is said to, and at "fails" it fails.
"""

from __future__ import annotations

import asyncio
import sys
import time

from router.presidio.finder import Finder
from router.presidio.serve import listening

WORDS = {"PERSON": "Ada", "LOCATION": "Paris"}


class Words:
    def __init__(self) -> None:
        self.looked_at: list[str] = []

    def entities_in(self, text: str, entities: tuple[str, ...], min_score: float) -> frozenset[str]:
        self.looked_at.append(text)
        if "slowly" in text:
            time.sleep(60)
        if "fails" in text:
            raise RuntimeError(text)
        return frozenset(each for each in entities if WORDS.get(each, "\0") in text)


async def main(path: str) -> None:
    async with listening(Finder(Words()), path):
        print("ready", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
