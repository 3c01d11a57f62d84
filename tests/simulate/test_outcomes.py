from __future__ import annotations

import pytest
from support.simulating import POLICY, ask, plan

from router.simulate.outcomes import data_of, shapes_of, simulated, told_of
from router.simulate.readers.malformed import Malformed

CLOUD = plan(POLICY + "cost: {strategy: cloud_first}\n")
OWN = plan(POLICY + "cost: {strategy: local_first}\n")


def requests():
    return iter([ask(60.0 * number, id=str(number)) for number in range(20)])


def test_two_policies_on_the_same_requests():
    told = told_of([OWN, CLOUD], ["draft", "p.yaml"], shapes_of([OWN, CLOUD]), requests(), "week")
    data = data_of(told)

    assert (data["policy"], data["figures"]["own_requests"]) == ("draft", 20)
    assert (data["against"]["policy"], data["against"]["figures"]["cloud_requests"]) == ("p.yaml", 20)
    assert (data["same"], data["moved"][0]["requests"], data["moved"][0]["against_backend"]) == (0, 20, "api")
    assert told.outcomes[1] == simulated(CLOUD, "p.yaml", shapes_of([CLOUD])[0], requests(), "week")


def test_one_policy_alone_is_beside_nothing():
    data = data_of(told_of([OWN], ["p.yaml"], shapes_of([OWN]), requests(), "week"))
    assert data["simulated"] is True and "against" not in data and "moved" not in data


@pytest.mark.parametrize("plans", [[OWN], [OWN, CLOUD]])
def test_without_a_request_there_is_nothing_to_tell(plans):
    with pytest.raises(Malformed, match="week: there is no request in it"):
        told_of(plans, ["one", "other"], shapes_of(plans), iter([]), "week")


def test_versions_that_were_given_are_no_others():
    asked = [ask(policy=OWN.version), ask(1, policy=CLOUD.version), ask(2, policy="earlier")]
    told = told_of([OWN, CLOUD], ["draft", "p.yaml"], shapes_of([OWN, CLOUD]), iter(asked), "week")

    assert [each.other_versions for each in told.outcomes] == [{"earlier": 1}, {"earlier": 1}]


WIDENED = plan(POLICY + "cost: {strategy: cloud_first}\n", **{"restricted: [local]": "restricted: [local, cloud]"})


def test_what_the_policy_in_force_keeps_may_not_leave_by_a_draft_that_permits_it():
    asked = [*requests(), *[ask(1200.0 + number, level="restricted") for number in range(3)]]
    plans = [WIDENED, CLOUD]
    draft, present = told_of(plans, ["draft", "p.yaml"], shapes_of(plans), iter(asked), "week").outcomes

    assert (draft.figures["restricted_left"], present.figures["restricted_left"]) == (3, 0)
    assert (draft.warnings, present.warnings) == (("3 requests that may not leave would leave",), ())


def test_without_such_a_policy_the_records_say_what_may_not_leave():
    asked = [ask(level="restricted", reason="only-permitted", decided="gpu")]
    assert simulated(WIDENED, "draft", shapes_of([WIDENED])[0], iter(asked), "week").figures["restricted_left"] == 1


def test_traffic_that_lasts_for_a_century_has_a_wrong_time_in_it():
    asked = iter([ask(), ask(36_525 * 86_400.0, id="line 3")])
    with pytest.raises(Malformed, match=r"week: a request \(line 3\) came 36,525 days after the first"):
        simulated(OWN, "p.yaml", shapes_of([OWN])[0], asked, "week")
