"""Edits of the policy that were refused."""

from __future__ import annotations

from router.core.alerts.observation import Seen
from router.core.alerts.policy_edit import observed


def test_it_is_bad_while_the_file_is_not_what_is_served():
    bad = observed("host-1", "abc", "It has 1 problem, which is in line 3.")
    assert (bad.seen, bad.subject) == (Seen.BAD, "host-1")
    assert bad.text.startswith("The last good policy stays in force. It has 1 problem")
    good = observed("host-1", "abc", "")
    assert (good.seen, good.key) == (Seen.GOOD, bad.key) and good.text == "The policy was adopted, version abc."
    assert observed("host-1", "", "").text == "The policy was adopted."
