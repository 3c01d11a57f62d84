"""What a client saw of a fault, in words, and what is wrong with it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from prove.faults import Sees
from prove.faulty_run import Cell, Outcome, Played, Seen, worth

from router.core.backend_kinds import OpenAIBackend
from router.core.policy import Retry

DEADLINE: float = Retry.model_fields["deadline"].default
IDLE: float = OpenAIBackend.model_fields["idle_timeout"].default
GRACE = 1.0
"""Seconds after which what ends late is wrong."""
MOST = 20_000
"""Micro-USD that a request can be worth: three attempts, each with all that was asked for, generously estimated."""
FLAT = 48.0
"""MiB by which a process may grow while everything is asked again and again."""

ANSWERED, CUT, BROKEN = "answered", "cut off", "broken"


def saw(seen: Seen, stream: bool) -> str:
    """`ANSWERED`, `CUT`, an error such as "503 backend_unavailable", or `BROKEN` for what no SDK makes sense of.

    `stream` says whether it asked for a stream.
    """
    if not seen.status:
        return f"{BROKEN}: nothing"
    if seen.status != 200:
        error = _error(seen.body)
        return f"{seen.status} {error.get('code') or error.get('type')}" if error else f"{BROKEN}: {seen.status} alone"
    if "event-stream" in seen.headers.get("content-type", "").lower():
        return _stream(seen) if stream else f"{BROKEN}: events"
    return _answer(seen)


def _answer(seen: Seen) -> str:
    if not seen.whole:
        return f"{BROKEN}: half an answer"
    try:
        content = json.loads(seen.body.removeprefix(b"\xef\xbb\xbf").decode(errors="replace"))
        return ANSWERED if content["choices"] and "error" not in content else f"{BROKEN}: no choices"
    except (ValueError, KeyError, TypeError, RecursionError):
        return f"{BROKEN}: no JSON" if "content-encoding" not in seen.headers else ANSWERED


def _stream(seen: Seen) -> str:
    text = seen.body.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    told = [line[5:].strip() for line in text.split(b"\n") if line.startswith(b"data:")]
    failed = [event for event in told if event.startswith(b'{"error"') or b'"error":' in event[:200]]
    done = b"[DONE]" in told
    finished = any(b'"finish_reason": "' in event or b'"finish_reason":"' in event for event in told)
    if failed and done:
        return f"{BROKEN}: an error event and [DONE]"
    if failed:
        return CUT
    if (done or finished) and seen.whole:
        return ANSWERED
    return f"{BROKEN}: a stream without an end"


def _error(body: bytes) -> dict[str, Any]:
    try:
        error = json.loads(body)["error"]
        return error if isinstance(error, dict) and error.get("message") else {}
    except (ValueError, KeyError, TypeError):
        return {}


def wrongs(played: Played) -> Iterator[str]:
    """What is not as it has to be, each in a few words."""
    cell, seen = played.cell, played.seen
    told = saw(seen, cell.stream)
    if not _is_right(cell, seen, told):
        yield f"saw {told}, instead of {cell.fault.seen(cell.stream, cell.kind).value}"
    if seen.ended > (limit := deadline(cell, seen)) + GRACE:
        yield f"ended after {seen.ended:.1f} s, at the latest {limit:.0f} s were right"
    if "retry-after" in seen.headers and seen.headers.get("x-should-retry") == "false":
        yield "is told to retry and not to"
    if worth(played.booked) < worth(played.bill):
        yield f"booked {_tokens(played.booked)} tokens for {_tokens(played.bill)} that are billed"
    if cell.kind != "own" and played.booked.cost < worth(played.bill):
        yield f"booked {played.booked.cost} micro-USD for {worth(played.bill)} that are billed"
    if worth(played.booked) > MOST:
        yield f"booked {_tokens(played.booked)} tokens, more than can have been made"


def _tokens(of: Any) -> str:
    return f"{of.input} + {of.output}"


def deadline(cell: Cell, seen: Seen) -> float:
    """Until the first byte; from then on a stream may go on as long as it says something."""
    return max(DEADLINE, seen.worded + IDLE) if cell.stream and seen.status == 200 else DEADLINE


def _is_right(cell: Cell, seen: Seen, told: str) -> bool:
    sees = cell.fault.seen(cell.stream, cell.kind)
    error = seen.status >= 400 and not told.startswith(BROKEN)
    if sees is Sees.ANSWER:
        return told == ANSWERED
    if sees is Sees.RELAYED:
        return error and seen.status == int(cell.fault.name.split()[0])
    if sees is Sees.CUT:
        return told == CUT
    if sees is Sees.WHOLE_OR_CUT:
        return told in (ANSWERED, CUT)
    if not cell.beside:
        return error or (told == ANSWERED and sees is Sees.EITHER)
    # A backend that gives signs of life may be waited for, until nothing is left for another one.
    return told == ANSWERED or (error and cell.fault.slow and cell.kind == "own" and not cell.stream)


def all_wrongs(outcome: Outcome) -> list[str]:
    """Each with the forms in which it was found."""
    forms: dict[str, list[str]] = defaultdict(list)
    for played in outcome.played:
        for wrong in wrongs(played):
            forms[f"{played.cell.fault.name}: {wrong}"].append(played.cell.name.partition(".")[2])
    found = [f"{wrong} ({', '.join(names)})" for wrong, names in forms.items()]
    found += [f"asked again: {each}" for each in outcome.unpaid]
    for name, sizes in outcome.memory.items():
        if len(sizes) > 2 and sizes[-1] - sizes[1] > FLAT:  # the first round makes room for the largest answers
            found.append(f"{name} grew: {sizes} MiB")
    return found
