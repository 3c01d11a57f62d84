from __future__ import annotations

from datetime import UTC, datetime

import pytest

from router.config.sizing.api_price import api_price
from router.config.sizing.catalogue import UnknownNameError

NOW = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize("name", ["gpt-4o-mini", "openai/gpt-4o-mini"])
def test_what_an_api_asks(name: str) -> None:
    found = api_price(name, NOW)
    assert (found.provider, found.model) == ("openai", "gpt-4o-mini")
    assert (found.rates.input, found.rates.output) == (0.15, 0.6)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("gpt-4o-mnii", "gpt-4o-mnii: the price list has no such model; did you mean gpt-4o-mini?"),
        ("openai/gpt-4o-mnii", "openai/gpt-4o-mnii: the price list has no such model; did you mean gpt-4o-mini?"),
        ("zzzzzzzz", "zzzzzzzz: the price list has no such model"),
        (
            "aws/amazon.titan-embed-text-v1",
            "aws/amazon.titan-embed-text-v1: the price list has no price of output for it:"
            " compare with a model that writes",
        ),
    ],
)
def test_what_is_not_listed(name: str, says: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        api_price(name, NOW)
    assert str(caught.value) == says
