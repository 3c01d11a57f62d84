"""`python -m router.presidio --model M --language L --entities A,B`: answers one question after the other.

Each is a frame on standard input, each answer a line on standard output. Before the first there is a line that says
how long a kilobyte takes here, as `{"ms_per_kb": 12.5}`, or what keeps it from looking, as `{"unusable": "..."}`.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from typing import Any

import msgspec

from router.core.sensitivity.entities import LENGTHS, Question
from router.presidio.analysis import Analysis, Unusable
from router.presidio.confined import confine
from router.presidio.finder import Finder

_SAMPLE = (
    "Thank you for the minutes. Grace Hopper will be in New York until Thursday, so the review with the team moves to "
    "next week; please send the figures for March to the office before then, and ask whether Tuesday suits everybody. "
)


def main() -> None:
    given = parsed()
    confine()
    # What libraries print must not be taken for an answer.
    answers, sys.stdout = os.fdopen(os.dup(1), "wb"), sys.stderr
    try:
        analysis = Analysis(given.model, given.language, given.entities)
    except Unusable as error:
        _tell(answers, {"unusable": str(error)})
        return
    _tell(answers, {"ms_per_kb": _measured(analysis, given.entities)})
    finder = Finder(analysis)
    while len(lengths := sys.stdin.buffer.read(LENGTHS.size)) == LENGTHS.size:
        head, body = LENGTHS.unpack(lengths)
        question = msgspec.json.decode(sys.stdin.buffer.read(head), type=Question)
        steps = finder.steps(question, sys.stdin.buffer.read(body))
        _tell(answers, next(step for step in steps if step is not None))


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m router.presidio")
    parser.add_argument("--model", required=True)
    parser.add_argument("--language", required=True)
    parser.add_argument("--entities", required=True, type=lambda text: tuple(text.split(",")))
    return parser.parse_args()


def _tell(answers: Any, said: object) -> None:
    answers.write(msgspec.json.encode(said) + b"\n")
    answers.flush()


def _measured(analysis: Analysis, entities: tuple[str, ...]) -> float:
    """Milliseconds of processor time, which others on the machine do not add to."""
    text = _SAMPLE * 5
    began = time.process_time()
    analysis.entities_in(text, entities, 0.5)
    return round((time.process_time() - began) * 1e3 / (len(text) / 1024), 1)


if __name__ == "__main__":
    main()
