"""Edits of a real file."""

from __future__ import annotations

from support.alerting import plan_with

from router.admin.alerts.conditions.policy_edit import PolicyRefused, where_of
from router.admin.policy.answers import PolicyProblem, PolicyState, Reload
from router.core.alerts.observation import Seen

PLAN = plan_with("http://127.0.0.1:9/x")


async def test_a_broken_edit_is_seen_and_what_it_says_is_not_told(plane):
    condition = PolicyRefused("host-1", plane.control.desk.state)
    good = plane.policy.read_text()
    (seen,) = await condition.look(PLAN, PLAN.policy.alerts, 0)
    assert seen.seen is Seen.GOOD
    plane.policy.write_text(good + "kez: sk-pasted-by-mistake\n")
    for _ in range(3):
        plane.control.desk.look()
    (seen,) = await condition.look(PLAN, PLAN.policy.alerts, 0)
    assert seen.seen is Seen.BAD and "1 problem, which is in line 13" in seen.text
    assert "pasted" not in seen.text
    plane.policy.write_text(good)
    for _ in range(3):
        plane.control.desk.look()
    (seen,) = await condition.look(PLAN, PLAN.policy.alerts, 0)
    assert seen.seen is Seen.GOOD


def where(*problems: PolicyProblem) -> str:
    return where_of(PolicyState(version="v", path="p", reload=Reload(0, "w", False, list(problems))))


def test_where_it_is_wrong():
    assert where() == "It may not be served here."
    assert where(PolicyProblem(3, 1, "budget", "m")) == "It has 1 problem, which is in line 3 (budget)."
    assert where(PolicyProblem(0, 0, "", "m"), PolicyProblem(4, 1, "", "m")) == (
        "It has 2 problems, the first in the file."
    )
