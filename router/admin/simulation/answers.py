"""What a simulation says, one line of JSON after the other: how far it is, and in the end what came of it.

Money is in US dollars here, as `breakeven simulate` tells it.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from router.admin.answers.outcome import Trouble
from router.admin.errors import ApiError
from router.simulate.comparison import Move
from router.simulate.figures import Outcome


class SimulationProgress(Struct, frozen=True):
    share: float
    """Of the time that the traffic lasts, 0 to 1."""
    read: int
    """Requests that were read from the ledger."""
    requests: int
    """Of these, that both policies have taken."""


class SimulatedTraffic(Struct, frozen=True):
    """What the records are that were replayed."""

    first: str
    """Local date (YYYY-MM-DD), as of `breakeven export --from`."""
    last: str
    timezone: str
    notes: list[str]
    """What has to be known of them, for people; none where nothing is missing."""
    commands: list[str]
    """That say the same in a shell."""


class SimulatedDraft(Struct, frozen=True):
    """As `breakeven simulate TRAFFIC --policy DRAFT --against PRESENT --json`."""

    draft: Outcome
    present: Outcome
    moved: tuple[Move, ...]
    """Requests that the draft sends elsewhere than the policy in force, most first."""
    same: int
    traffic: SimulatedTraffic


class SimulationLine(Struct, frozen=True, omit_defaults=True):
    """One of these. Every line but the last is progress; empty lines say that it still runs."""

    progress: SimulationProgress | None = None
    result: SimulatedDraft | None = None
    error: Trouble | None = None


PROGRESS = b'{"progress"'
"""Begins every line that another one follows."""
_encode = msgspec.json.Encoder().encode


def line_of(said: SimulationProgress | SimulatedDraft | ApiError) -> bytes:
    match said:
        case SimulationProgress():
            line = SimulationLine(progress=said)
        case SimulatedDraft():
            line = SimulationLine(result=said)
        case ApiError():
            line = SimulationLine(error=said.answer.error)
    return _encode(line) + b"\n"
