from __future__ import annotations

from typing import Any

import pytest

from router.config.warnings import advice
from router.core.policy import Policy


def policy(backends: int = 2, retry: dict[str, Any] | None = None, **settings: str) -> Policy:
    names = ["one", "two"][:backends]
    each = {"zone": "cloud", "kind": "openai", "url": "http://127.0.0.1:1/v1", "serves": {"chat": "m"}}
    return Policy.model_validate(
        {
            "version": 1,
            "zones": {"cloud": {}},
            "backends": {name: each | (settings if name == "one" else {}) for name in names},
            "models": {"chat": {"backends": names}},
            "retry": retry or {},
        }
    )


def test_a_policy_that_leaves_time_needs_no_advice() -> None:
    assert advice(policy()) == ()


@pytest.mark.parametrize(
    ("settings", "retry"),
    [
        ({"first_byte_timeout": "120s"}, {"deadline": "120s"}),
        ({"first_byte_timeout": "600s"}, {}),
        ({"connect_timeout": "9s", "first_byte_timeout": "32s"}, {"deadline": "40s"}),
    ],
)
def test_a_backend_that_may_use_up_the_deadline_is_named(settings: dict[str, str], retry: dict[str, str]) -> None:
    [told] = advice(policy(retry=retry, **settings))
    assert told.startswith("backends.one: connect_timeout and first_byte_timeout (")
    assert "retry.deadline (" in told


def test_a_backend_that_has_no_other_beside_it_may_take_all_the_time() -> None:
    assert advice(policy(1, {"deadline": "10s"}, first_byte_timeout="60s")) == ()


def test_one_attempt_is_none_for_the_second_backend() -> None:
    assert advice(policy(retry={"attempts": 1})) == ("retry.attempts: with 1 attempt no second backend is ever tried",)
