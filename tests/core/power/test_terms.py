from __future__ import annotations

import msgspec
import pytest

from router.core.power.terms import Mode, PowerTerms


def test_terms_are_frozen_and_leave_the_rule_free_unless_told() -> None:
    terms = PowerTerms(usd_per_hour=1.09)

    assert (terms.units, terms.mode) == (1, Mode.AUTO)
    with pytest.raises(AttributeError):
        terms.units = 2  # type: ignore[misc]


def test_terms_travel() -> None:
    terms = PowerTerms(usd_per_hour=1.09, mode=Mode.NEVER, tokens_per_second=2500.0)

    assert msgspec.msgpack.decode(msgspec.msgpack.encode(terms), type=PowerTerms) == terms
