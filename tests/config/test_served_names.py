from __future__ import annotations

import pytest

from router.config.served_names import served_as
from router.core.backend_kinds import OpenAIBackend, Served

BACKEND = OpenAIBackend(
    kind="openai",
    zone="cloud",
    url="https://api.example/v1",
    serves={"fast": "small", "gpt-*": Served(model="openai/gpt-*", quality=0.5), "*": "only"},
)


@pytest.mark.parametrize(
    ("model", "key", "upstream"),
    [("fast", "fast", "small"), ("gpt-4o", "gpt-*", "openai/gpt-4o"), ("other", "*", "only")],
)
def test_the_closest_entry_counts(model, key, upstream):
    found, served = served_as(BACKEND, model)
    assert (found, served.model) == (key, upstream)


def test_the_rest_of_an_entry_holds_for_all_that_it_takes():
    assert served_as(BACKEND, "gpt-4o")[1].quality == 0.5


def test_what_no_entry_means():
    with pytest.raises(KeyError):
        served_as(BACKEND.model_copy(update={"serves": {"fast": "small"}}), "slow")
