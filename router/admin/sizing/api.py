"""The calculator over HTTP: what there is to choose from, and a model on a card."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import get_args

from router.admin.errors import ApiError
from router.admin.handler_context import HandlerContext, HandlerRequest
from router.admin.sizing.answers import Sized, SizingChoices, SizingQuery
from router.admin.views.breakeven import last_day
from router.config.sizing.api_price import NoOutputPrice, api_price
from router.config.sizing.as_json import sizing_data
from router.config.sizing.catalogue import UnknownNameError, load_catalogue, unknown
from router.config.sizing.sizing import Wanted, cards_of, size, subject_of
from router.core.backend_kinds import Served
from router.core.sizing.quantization import QuantizationName
from router.core.values import Plan


async def choices(control: HandlerContext, ask: HandlerRequest) -> SizingChoices:
    catalogue = await asyncio.to_thread(load_catalogue)
    return SizingChoices(
        models=list(catalogue.models),
        gpus=list(catalogue.cards),
        quantizations=list(get_args(QuantizationName)),
        against=await asyncio.to_thread(bought, control.desk.plan),
    )


def bought(plan: Plan) -> list[str]:
    """Upstream models of backends that are not owned, each once; patterns name none, and what has no price of output
    is not to be compared with."""
    policy = plan.policy
    served = [
        entry.model if isinstance(entry, Served) else entry
        for backend in policy.backends.values()
        if not policy.zones[backend.zone].owned
        for entry in backend.serves.values()
    ]
    return [name for name in dict.fromkeys(served) if "*" not in name and _may_be_compared(name)]


def _may_be_compared(name: str) -> bool:
    """What the price list does not know is offered, and told when it is asked for."""
    try:
        api_price(name, datetime.now(UTC))
    except NoOutputPrice:
        return False
    except UnknownNameError:
        pass
    return True


async def sizing(control: HandlerContext, ask: HandlerRequest) -> Sized:
    volume = await _volume(control)
    return await asyncio.to_thread(sized, ask.query, volume)


async def _volume(control: HandlerContext) -> int | None:
    """Tokens of the last 24 hours that own backends could have served; None while the ledger is lost."""
    try:
        async with control.books.open() as report:
            return sum(row.own_tokens for row in await last_day(report, control.clock()))
    except ApiError:
        return None


def sized(query: SizingQuery, volume: int | None) -> Sized:
    """Raises ApiError for a name that is not known, which says what was probably meant."""
    catalogue = load_catalogue()
    try:
        if catalogue.model(query.model) is None:  # files of this machine are for its command line
            raise unknown("model", query.model, catalogue.models)
        wanted = Wanted(
            quantization=query.quantization,
            context=query.context,
            concurrency=query.concurrency,
            volume=volume or None,
            against=api_price(query.against, datetime.now(UTC)) if query.against else None,
        )
        found = size(subject_of(query.model, catalogue), cards_of([query.gpu], catalogue), wanted, catalogue)
    except UnknownNameError as error:
        raise ApiError(400, "unknown_name", str(error)) from None
    return Sized(sizing_data(found, wanted), volume is not None)
