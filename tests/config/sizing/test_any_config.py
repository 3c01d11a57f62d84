"""Whatever stands in a `config.json`: it is read whole and can be computed with, or its problems are told."""

from __future__ import annotations

import json
import math
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from router.config.problems import PolicyError
from router.config.sizing.catalogue import load_catalogue
from router.config.sizing.model_config import model_config_of
from router.config.sizing.sizing import Subject, Wanted, size

CATALOGUE = load_catalogue()
CONFIGS = [dict(each.config) for each in CATALOGUE.models.values()]
KEYS = sorted({key for config in CONFIGS for key in config} | {"head_dim", "layer_types", "moe_intermediate_size"})
JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 10**10),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    st.lists(st.sampled_from(["full_attention", "sliding_attention", 1]), max_size=3),
    st.dictionaries(
        st.sampled_from(["quant_method", "bits", "group_size", "hidden_size"]), st.integers(-1, 9), max_size=2
    ),
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(CONFIGS), st.dictionaries(st.sampled_from(KEYS), JUNK, max_size=3))
def test_it_is_read_whole_or_told_what_is_wrong(config: dict[str, Any], changed: dict[str, Any]) -> None:
    try:
        read = model_config_of(json.dumps({**config, **changed}).encode(), "config.json")
    except PolicyError as error:
        assert error.problems
        assert all(each.message for each in error.problems)
        return
    wanted = Wanted(context=None if read.shape.context else 4096)
    found = size(Subject("any", "/any", read), tuple(CATALOGUE.cards.values()), wanted, CATALOGUE)
    for option in found.options:
        assert math.isfinite(option.fit.weights)
        assert option.fit.tokens >= 0
        assert option.fit.fits == (option.tokens_per_second is not None)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60))
def test_bytes_that_are_no_config(content: bytes) -> None:
    try:
        model_config_of(content, "config.json")
    except PolicyError as error:
        assert error.problems
    else:
        raise AssertionError("these bytes hold no model")
