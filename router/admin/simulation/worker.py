"""The process of one simulation: `python -m router.admin.simulation.worker`, started by the control plane.

Its task comes as one line on standard input, which then stays open: its end means that nobody waits any more. It says
how far it is, and what came of it, on standard output; a defect of ours goes to standard error, as its type and place.
"""

from __future__ import annotations

import gc
import os
import resource
import shlex
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import msgspec

from router.admin.errors import ApiError, ledger_lost
from router.admin.policy.service import problems_of
from router.admin.simulation.answers import SimulatedDraft, SimulatedTraffic, SimulationProgress, line_of
from router.admin.simulation.notes import NOTHING, notes_of, stopped
from router.admin.simulation.task import SimulationTask
from router.admin.simulation.traffic import Recorded
from router.config.load import plan_of
from router.config.problems import PolicyError
from router.ledger.errors import LedgerUnavailable
from router.simulate.outcomes import Told, shapes_of, told_of
from router.simulate.readers.malformed import Malformed, Wrong
from router.simulate.requests import RecordedRequest
from router.simulate.traffic_of import OutOfOrder, in_order

MOST_MEMORY = 2 * 1024**3
"""Bytes of address space."""
NICENESS = 10
"""Requests to the gateway come first."""
SAID_EVERY = 0.2
"""Seconds between two lines of progress."""
_LOOK_EVERY = 64
_DEFECT = 70
"""Exit code of an error of ours."""
TRAFFIC = "week.jsonl"

Tell = Callable[[SimulationProgress], None]


def main() -> None:
    fed = sys.stdin.buffer.readline()
    if not fed:
        return
    task = msgspec.json.decode(fed, type=SimulationTask)
    threading.Thread(target=_end_with_whoever_waits, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    gc.disable()  # requests make no cycles, and looking for some takes a tenth of the time
    try:
        _say(line_of(answer_of(task, lambda progress: _say(line_of(progress)))))
    except Exception as error:
        sys.stderr.write(f"{type(error).__name__}\n{''.join(traceback.format_tb(error.__traceback__))}")
        sys.stderr.flush()
        os._exit(_DEFECT)
    os._exit(0)  # the thread reads on


def _end_with_whoever_waits() -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os._exit(1)


def _say(line: bytes) -> None:
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


def answer_of(task: SimulationTask, tell: Tell) -> SimulatedDraft | ApiError:
    try:
        return simulated(task, tell)
    except LedgerUnavailable as error:
        return ledger_lost(error)
    except PolicyError as error:
        return ApiError(422, "policy_broken", "a policy has problems", problems=problems_of(error))
    except (OutOfOrder, Wrong) as error:
        return ApiError(409, "not_replayed", f"the records cannot be replayed: {error}")
    except Malformed:
        return ApiError(404, "nothing_recorded", NOTHING)
    except (MemoryError, RecursionError):
        return stopped("this took more memory than there is for it")


def simulated(task: SimulationTask, tell: Tell) -> SimulatedDraft:
    """Raises PolicyError, LedgerUnavailable, OutOfOrder and Wrong, and Malformed where there is no request."""
    now = datetime.now(UTC)
    names = [task.draft_name, task.present_name]
    plans = [plan_of(text, name, now=now) for text, name in zip((task.draft, task.present), names, strict=True)]
    recorded = Recorded(task)
    told = told_of(plans, names, shapes_of(plans), watched(recorded, task, tell), TRAFFIC)
    return _draft_of(told, recorded, task)


def watched(recorded: Recorded, task: SimulationTask, tell: Tell) -> Iterator[RecordedRequest]:
    """All requests in the order of their arrival, and now and then how far they are."""
    watch = _Watch(recorded, task, tell)
    tell(SimulationProgress(0.0, 0, 0))
    for number, request in enumerate(in_order(watch.reading()), 1):
        yield request
        watch.taken(number, request.at)


class _Watch:
    def __init__(self, recorded: Recorded, task: SimulationTask, tell: Tell) -> None:
        self._recorded = recorded
        self._now = task.now
        self._tell = tell
        self._said = time.monotonic()
        self._taken = 0
        self._share = 0.0

    def reading(self) -> Iterator[RecordedRequest]:
        for number, request in enumerate(self._recorded.requests(), 1):
            yield request
            self._look(number)

    def taken(self, number: int, at: float) -> None:
        begin = self._recorded.first or at
        self._taken = number
        self._share = min(1.0, (at - begin) / max(1.0, self._now - begin))
        self._look(number)

    def _look(self, number: int) -> None:
        if number % _LOOK_EVERY == 0 and time.monotonic() - self._said >= SAID_EVERY:
            self._said = time.monotonic()
            self._tell(SimulationProgress(self._share, self._recorded.read, self._taken))


def _draft_of(told: Told, recorded: Recorded, task: SimulationTask) -> SimulatedDraft:
    draft, present = told.outcomes
    traffic = SimulatedTraffic(
        first=task.first,
        last=task.last,
        timezone=task.timezone,
        notes=list(notes_of(recorded, task.days)),
        commands=[
            shlex.join(["breakeven", "export", "--from", task.first, "--to", task.last, "--output", TRAFFIC]),
            shlex.join(["breakeven", "simulate", TRAFFIC, "--policy", task.draft_name, "--against", task.present_name]),
        ],
    )
    return SimulatedDraft(draft, present, told.moves, told.same, traffic)


if __name__ == "__main__":
    main()
