"""What an API asks for a model's tokens, by the price list that the gateway comes with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from router.config.prices import published
from router.config.problems import closest
from router.config.sizing.catalogue import UnknownNameError
from router.core.values import Rates

_USUAL = "openai"
"""Whose price it is where others sell the same."""


class ApiPrice(Struct, frozen=True):
    provider: str
    model: str
    rates: Rates


class NoOutputPrice(UnknownNameError):
    """The price list has the model, which writes nothing that is paid by the token: there is nothing to compare."""


def api_price(name: str, now: datetime) -> ApiPrice:
    """Of `gpt-4o-mini` or `openai/gpt-4o-mini`. Raises UnknownNameError, which names the nearest that there is, and
    NoOutputPrice."""
    from genai_prices import data_snapshot  # the data is large, and most commands do not need it

    snapshot = data_snapshot.get_snapshot()
    providers = {each.id: each for each in snapshot.providers}
    given, _, rest = name.partition("/")
    provider, model = (given, rest) if given in providers and rest else (None, name)
    asked = [each for each in providers.values() if provider in (None, each.id)]
    try:
        found, info = _found(snapshot, model, provider, asked)
    except LookupError:
        near = closest(model, [each.id for some in asked for each in some.models if _writes(each, now)])
        meant = f"; did you mean {near}?" if near else ""
        raise UnknownNameError(f"{name}: the price list has no such model{meant}") from None
    prices = published(found.id, str(info.id), now)
    rates = None if prices is None else prices.at(now.timestamp()).tiers[0].rates
    if rates is None or not rates.output:
        raise NoOutputPrice(f"{name}: the price list has no price of output for it: compare with a model that writes")
    return ApiPrice(str(found.id), str(info.id), rates)


def _found(snapshot: Any, model: str, provider: str | None, asked: Sequence[Any]) -> tuple[Any, Any]:
    """The provider and the model. By the name alone the list does not find all that it has: then the first of those
    that have it. Raises LookupError."""
    try:
        found: tuple[Any, Any] = snapshot.find_provider_model(model, None, provider, None)
    except LookupError:
        having = [each for each in asked if any(model == info.id for info in each.models)]
        named = next((each for each in having if each.id == _USUAL), next(iter(having), None))
        if named is None:
            raise
        found = snapshot.find_provider_model(model, None, named.id, None)
    return found


def _writes(info: Any, now: datetime) -> bool:
    return bool(info.get_prices(now).output_mtok)
