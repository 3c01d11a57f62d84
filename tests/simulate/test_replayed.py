from __future__ import annotations

from router.core.values import NO_GROUNDS, Grounds
from router.simulate.replayed import recorded_decision
from router.simulate.requests import RecordedRequest


def test_what_a_record_tells_of_its_decision() -> None:
    grounds = Grounds(policy="0123456789ab", decided="spill")
    request = RecordedRequest(at=1.0, model="chat", key="app", team="search", level="public", grounds=grounds)
    recorded = recorded_decision(request)
    assert (recorded.at, recorded.model, recorded.key, recorded.decided) == (1.0, "chat", "app", "spill")
    assert recorded_decision(RecordedRequest(at=1.0)).grounds is NO_GROUNDS
