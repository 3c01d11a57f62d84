"""From a recorded request to the decision that its record tells of, for `core.decision.replay`."""

from __future__ import annotations

from router.core.decision.replay import RecordedDecision
from router.core.values import NO_GROUNDS
from router.simulate.requests import RecordedRequest


def recorded_decision(request: RecordedRequest) -> RecordedDecision:
    """It can be made again where its grounds are known: by a plan of the version `request.policy`."""
    return RecordedDecision(
        at=request.at,
        model=request.model,
        endpoint=request.endpoint,
        key=request.key,
        team=request.team,
        level=request.level,
        tags=request.tags,
        reason=request.reason,
        grounds=NO_GROUNDS if request.grounds is None else request.grounds,
    )
