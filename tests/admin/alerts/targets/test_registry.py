"""Every kind of target that a policy may name can be sent to."""

from __future__ import annotations

from typing import get_args

import pytest
from support.alerting import plan_with

from router.admin.alerts.targets.registry import KINDS, sender_of
from router.core.alerts.policy import Target
from router.core.policy import Policy


def test_every_kind_has_an_entry():
    (union, *_) = get_args(Target)
    assert KINDS.keys() == set(get_args(union) or (union,))


@pytest.mark.parametrize("policy", [plan_with("http://127.0.0.1:1/x").policy, Policy.model_construct(alerts=None)])
def test_a_target_that_nobody_named_is_none(policy):
    with pytest.raises(KeyError):
        sender_of("nobody", policy, lambda: 0.0)
