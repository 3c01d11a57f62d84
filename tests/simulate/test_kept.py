from __future__ import annotations

import pytest
from support.simulating import POLICY, ask, plan

from router.simulate.kept import KeptAsRecorded, KeptBy

PRESENT = plan()
OWN, CLOUD = PRESENT.models["chat"].routes
RESTRICTED, PATIENT = ask(level="restricted"), ask(tags=("patient",))
KEYS = f"""
rules: [{{name: hr, when: {{team: hr}}, zones: [local]}}]
keys:
  - {{name: app, team: search, zones: [local], sha256: "{"a" * 64}"}}
  - {{name: staff, team: hr, sha256: "{"b" * 64}"}}
"""


def backend(name: str, text: str):
    """A route to it, as the only one of a model."""
    of = plan(text)
    return next(route for route in of.models["chat"].routes if route.backend == name)


@pytest.mark.parametrize("request_", [RESTRICTED, PATIENT], ids=["level", "tag"])
def test_what_labels_keep_at_home_may_not_leave(request_):
    keeps = KeptBy(PRESENT)
    assert keeps(request_, CLOUD) and not keeps(request_, OWN)
    assert not keeps(ask(), CLOUD)


def test_what_keys_and_rules_keep_at_home_may_not_leave_either():
    keeps = KeptBy(plan(POLICY + KEYS))
    assert keeps(ask(key="app", team="search"), CLOUD) and keeps(ask(key="staff", team="hr"), CLOUD)
    assert not keeps(ask(key="other", team="sales"), CLOUD)


def test_a_cloud_stays_one_whatever_a_draft_calls_it():
    keeps = KeptBy(PRESENT)
    renamed = POLICY.replace("zone: cloud", "zone: far").replace("cloud: {}", "cloud: {}, far: {}")
    assert keeps(RESTRICTED, backend("api", renamed))
    assert keeps(RESTRICTED, backend("api", POLICY.replace("zone: cloud", "zone: local")))
    assert keeps(RESTRICTED, backend("other", renamed.replace("api:", "other:").replace("gpu, api", "gpu, other")))
    elsewhere = POLICY.replace("zone: local", "zone: site").replace("cloud: {}", "cloud: {}, site: {owned: true}")
    assert not keeps(RESTRICTED, backend("gpu", elsewhere)), "another zone of one's own"


def test_a_policy_that_keeps_nothing_keeps_nothing():
    alone = plan(POLICY.split("sensitivity:")[0])
    assert not KeptBy(alone)(RESTRICTED, CLOUD)


def test_a_record_says_what_was_kept_at_home():
    keeps = KeptAsRecorded(PRESENT)
    kept, refused = ask(reason="only-permitted", decided="gpu"), ask(reason="egress_denied")
    assert keeps(kept, CLOUD) and keeps(refused, CLOUD) and not keeps(kept, OWN)
    assert not keeps(ask(reason="only-permitted", decided="api"), CLOUD), "it had to leave"
    assert not keeps(ask(reason="threshold-above", decided="gpu"), CLOUD)
