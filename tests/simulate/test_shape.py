from __future__ import annotations

import pytest
from support.simulating import plan

from router.core.policy import Mix
from router.simulate.shape import CLOUD_SPEED, OWN_SPEED, BadShape, Shape, assumed, changed

SHAPE = Shape(speed=40.0, first_byte=0.1)


def test_what_a_unit_serves_when_busy_is_what_the_policy_says():
    backend = plan().policy.backends["gpu"]
    shape = assumed(backend, True, Mix())

    assert shape.prefill and shape.decode and (shape.slots, shape.speed) == (8, OWN_SPEED)
    assert 0.75 / shape.prefill + 0.25 / shape.decode == pytest.approx(1 / 1000)
    assert assumed(backend, True, Mix(input=1.0, output=0.0)).decode == 1000


def test_of_what_a_policy_does_not_say_no_bound_is_assumed():
    without = plan(**{"tokens_per_second: 1000, ": ""}).policy.backends

    assert assumed(without["gpu"], True, Mix()).decode is None
    assert assumed(without["api"], False, Mix()).speed == CLOUD_SPEED


def test_settings_are_given_by_name():
    assert changed(SHAPE, "slots=64, prefill=8e3,start=0") == Shape(40.0, 0.1, slots=64, prefill=8000.0, start=0.0)


@pytest.mark.parametrize(
    "wrong",
    ["slots", "slts=1", "slots=1.5", "speed=0", "speed=1e-9", "start=1e9", "decode=-1", "kv=many", "speed=nan", ""],
)
def test_what_is_wrong_is_told_with_what_would_be_right(wrong: str):
    with pytest.raises(BadShape, match=r"there are: speed|such as"):
        changed(SHAPE, wrong)
