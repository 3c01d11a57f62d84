"""A draft on the traffic of the last days, over HTTP: progress line by line, and in the end what came of it."""

from __future__ import annotations

from functools import partial

from aiohttp import web

from router.admin.errors import ApiError
from router.admin.handler_context import HandlerContext, HandlerRequest
from router.admin.ledger_session import days_back, timezone_of
from router.admin.policy.service import problems_of
from router.admin.request_types import Draft
from router.admin.simulation.task import SimulationTask
from router.config.problems import PolicyError
from router.core.cost.volume import day_of

MEDIA = "application/x-ndjson"
DAYS = 7
"""Local ones, up to today."""
DRAFT = "draft.yaml"


async def simulate(control: HandlerContext, ask: HandlerRequest) -> web.StreamResponse:
    """Until it is done, or the client leaves. Raises ApiError before the first line."""
    draft: Draft = ask.body
    await control.aside.run(partial(_refuse_broken, control, draft.text))
    async with control.simulations.run(await _task(control, draft)) as lines:
        response = web.StreamResponse(headers={"content-type": MEDIA, "x-accel-buffering": "no"})
        try:
            await response.prepare(ask.request)
            async for line in lines:
                await response.write(line)
        except ConnectionResetError:  # it left
            pass
    return response


def _refuse_broken(control: HandlerContext, text: str) -> None:
    try:
        control.desk.draft(text)
    except PolicyError as error:
        raise ApiError(422, "policy_broken", "the draft has problems", problems=problems_of(error)) from None


async def _task(control: HandlerContext, draft: Draft) -> SimulationTask:
    desk, now = control.desk, control.clock()
    async with control.books.open() as report:
        timezone = await timezone_of(report, desk.plan.policy.cost.timezone)
    today = day_of(now, timezone)
    state = desk.state()
    known = {entry.version for entry in desk.history.entries()}
    return SimulationTask(
        redis=control.books.url,
        first=days_back(today, DAYS),
        last=today,
        timezone=timezone.key,
        now=now,
        draft_name=DRAFT,
        draft=draft.text.encode(),
        present_name=state.path,
        present=desk.content,
        known=frozenset((*known, state.version)),
    )
