"""What an API asks for a model's tokens, by the price list that the gateway comes with."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from router.config.prices import published
from router.config.problems import closest
from router.config.sizing.catalogue import UnknownNameError
from router.core.values import Rates


class ApiPrice(Struct, frozen=True):
    provider: str
    model: str
    rates: Rates


def api_price(name: str, now: datetime) -> ApiPrice:
    """Of `gpt-4o-mini` or `openai/gpt-4o-mini`. Raises UnknownNameError, which names the nearest that there is."""
    from genai_prices import data_snapshot  # the data is large, and most commands do not need it

    snapshot = data_snapshot.get_snapshot()
    providers = {each.id: each for each in snapshot.providers}
    given, _, rest = name.partition("/")
    provider, model = (given, rest) if given in providers and rest else (None, name)
    try:
        found, info = snapshot.find_provider_model(model, None, provider, None)
    except LookupError:
        known = [each.id for some in providers.values() if provider in (None, some.id) for each in some.models]
        near = closest(model, known)
        meant = f"; did you mean {near}?" if near else ""
        raise UnknownNameError(f"{name}: the price list has no such model{meant}") from None
    prices = published(found.id, str(info.id), now)
    if prices is None:
        raise UnknownNameError(f"{name}: the price list has it, but not the price of its tokens")
    return ApiPrice(str(found.id), str(info.id), prices.at(now.timestamp()).tiers[0].rates)
