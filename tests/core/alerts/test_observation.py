"""What can be observed."""

from __future__ import annotations

from router.core.alerts.observation import CONDITIONS, Seen


def test_conditions_and_what_is_seen_of_them_have_names():
    assert "limit" in CONDITIONS and len(set(CONDITIONS)) == len(CONDITIONS)
    assert {each.value for each in Seen} == {"good", "bad", "between"}
