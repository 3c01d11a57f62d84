"""A recorded request as a simulation takes it: when it came, what it asked, how large it was, and what became of it.

Whoever reads a format of records or of traces makes these; what a format does not tell keeps the value by which nothing
is said. No text of a request is ever in one.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from router.core.cost.preference import Side
from router.core.policy_fields import Modality
from router.core.values import BackendState, Grounds

_TEXT: frozenset[Modality] = frozenset(("text",))


class RecordedRequest(Struct, frozen=True, gc=False):
    at: float
    """When it arrived, in seconds since the epoch."""
    model: str = ""
    """As policies name it; empty where the format does not tell, which is the policy's first model."""
    endpoint: str = "chat"
    input: int = 0
    """Tokens of all the input, as they were counted when it was answered."""
    output: int = 0
    cached: int = 0
    """The part of the input that was read from a cache."""
    estimated_input: int = 0
    """The estimate that was decided with, in tokens; 0 where nobody recorded it, which is as large as `input`."""
    limit: int | None = None
    """The most output tokens that the client allowed; None where it set no limit, or nobody recorded it."""
    modalities: frozenset[Modality] = _TEXT
    level: str = ""
    """That it was given by labels and detectors; empty where the format does not tell, which is the policy's default
    level."""
    tags: tuple[str, ...] = ()
    key: str = ""
    """Name of the key; empty for one that allows everything."""
    team: str = ""
    quality: float = 0.0
    """The floor that the client asked for."""
    stream: bool = False
    id: str = ""
    """The `x-request-id` of its answer, or what else a format calls it by."""

    # What became of it then. Empty where nobody recorded it.
    decided: str | None = None
    """The backend that answered; None when none did, or nobody recorded it."""
    own: bool = True
    """Own backends could have served it, as far as that was recorded: both sides could have, or it could not leave."""
    reason: str = ""
    """Why it went there, or the code of its refusal."""
    rule: str = ""
    """Names of the policy's rules that applied."""
    policy: str = ""
    """Version of the policy that decided."""
    zones: frozenset[str] | None = None
    """Zones that it was permitted."""
    previous: Side | None = None
    """Side that was preferred by the decision before it."""
    first_byte: float | None = None
    """Seconds from its arrival until the answer began."""
    seconds: float | None = None
    """And until it ended."""
    sent: float | None = None
    """And until it was sent to the backend that answered: what waiting and failed attempts took."""
    states: Mapping[str, BackendState] | None = None
    """Backends as they were seen; those that are missing were healthy and free."""
    grounds: Grounds | None = None
    """All that it was decided on, for deciding it again, see `core.decision.replay`."""
