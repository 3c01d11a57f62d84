"""A ledger that is lost."""

from __future__ import annotations

from router.core.alerts.ledger import observed
from router.core.alerts.observation import Seen


def test_it_says_why_and_what_that_means():
    lost = observed("host-1", "no connection within 1 s.", clouds_refused=True, after=15, clear=60)
    assert (lost.seen, lost.severity, lost.hold) == (Seen.BAD, "critical", 15)
    assert lost.text == "no connection within 1 s. Cloud backends are refused meanwhile; own ones go on."
    uncounted = observed("host-1", "x", clouds_refused=False, after=15, clear=60)
    assert "go on meanwhile, uncounted" in uncounted.text
    back = observed("host-1", "", clouds_refused=True, after=15, clear=60)
    assert (back.seen, back.text) == (Seen.GOOD, "It is there again.")
