"""The policy over HTTP: looking, checking, explaining, applying, rolling back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from functools import partial
from typing import Any

import msgspec

from router.admin.errors import ApiError
from router.admin.handler_context import HandlerContext, HandlerRequest
from router.admin.policy.answers import (
    Applied,
    CheckAnswer,
    ExplainAnswer,
    History,
    HistoryText,
    MergeAnswer,
    PolicyText,
)
from router.admin.policy.noting import PolicyNoting
from router.admin.policy.service import Earlier, Noting, problems_of, shown
from router.admin.request_types import ApplyDraft, Draft, ExplainDraft, MergeDraft, RollBack, TriedMix
from router.admin.views.breakeven import price_now
from router.admin.views.requests import explanation_of
from router.config.dry_run import NOBODY, DryRun, attempt, grant_named, nobody_asked
from router.config.example_model import example_model
from router.config.load import version_of
from router.config.presidio_pipe import asking
from router.config.problems import PolicyError
from router.config.schema import policy_schema
from router.core.cost.breakeven import Shares
from router.core.cost.preference import Side
from router.core.reading import BadBody
from router.core.values import KeyGrant, Plan
from router.surfaces.registry import SURFACES

UNSEEN = (
    "The file holds an edit that was not taken over. Only admins see it, as it may hold a secret in plain text; the "
    "text here is the one in force. Applying replaces that edit, which stays in the history for admins."
)


async def policy(control: HandlerContext, ask: HandlerRequest) -> PolicyText:
    """Who is no admin gets the text in force: one that was never checked may hold a secret that somebody pasted by
    mistake. Once it was refused they may replace it unseen, and are told so; before, it may be an edit that is about
    to be taken over, and their writes wait for that. What was applied a moment ago is in force here before it is told.
    """
    await control.desk.taken_over()
    text = await asyncio.to_thread(control.desk.text)
    if ask.asker.role == "admin":
        return text
    if text.refused:
        note = " ".join(filter(None, (text.note, UNSEEN)))
        return msgspec.structs.replace(text, text=text.running_text, note=note)
    return msgspec.structs.replace(text, text=text.running_text, text_version=text.version)


async def schema(control: HandlerContext, ask: HandlerRequest) -> dict[str, Any]:
    return await asyncio.to_thread(policy_schema)


async def check(control: HandlerContext, ask: HandlerRequest) -> CheckAnswer:
    """Secrets are looked up for the admin only: whether a file or a variable exists is nobody else's business."""
    draft: Draft = ask.body
    return await control.aside.run(partial(control.desk.check, draft.text, with_secrets=ask.asker.role == "admin"))


async def merged(control: HandlerContext, ask: HandlerRequest) -> MergeAnswer:
    """With the text that `policy` tells whoever asks."""
    draft: MergeDraft = ask.body
    return await control.aside.run(partial(control.desk.merge, draft.base, draft.text, await policy(control, ask)))


async def explain(control: HandlerContext, ask: HandlerRequest) -> ExplainAnswer:
    draft: ExplainDraft = ask.body
    trusted = ask.asker.role == "admin"
    return await control.aside.run(partial(explained, control, draft, await _price(control), trusted=trusted))


async def _price(control: HandlerContext) -> float | None:
    """Of the traffic; None while the ledger is lost, too."""
    try:
        async with control.books.open() as report:
            return await price_now(report, control.clock())
    except ApiError:
        return None


def explained(control: HandlerContext, draft: ExplainDraft, price: float | None, *, trusted: bool) -> ExplainAnswer:
    """`price` is `Snapshot.cloud_price`. What looks for entities loads the model that a text names, and says whether it
    is there: only the policy in force, and drafts of someone `trusted`, have it look. Raises ApiError for a request
    that could not be decided on."""
    if draft.text is None:
        plan = control.desk.plan
    else:
        try:
            plan = control.desk.draft(draft.text)
        except PolicyError as error:
            return ExplainAnswer(ok=False, version=version_of(draft.text.encode()), problems=problems_of(error))
    try:
        with asking(plan) if trusted or draft.text is None else nullcontext(nobody_asked) as ask:
            facts, decision = attempt(plan, _trial(draft, plan, price), ask)
    except BadBody as error:
        raise ApiError(400, "bad_request", error.message) from None
    return ExplainAnswer(ok=True, version=plan.version, explanation=explanation_of(decision, facts, plan))


def _trial(draft: ExplainDraft, plan: Plan, price: float | None) -> DryRun:
    for name in (*draft.down, *draft.full, *draft.off):
        if name not in plan.policy.backends:
            raise ApiError(400, "unknown_backend", f"the policy has no backend {name!r}")
    return DryRun(
        body=_body(draft, plan),
        endpoint=draft.endpoint,
        headers=draft.headers,
        key=_key(draft.key, plan),
        down=tuple(draft.down),
        full=tuple(draft.full),
        off=tuple(draft.off),
        tokens=draft.tokens,
        mix=None if draft.mix is None else _shares(draft.mix),
        cloud_price=price,
        previous=Side(draft.previous),
        hour=draft.hour,
        ledger_lost=draft.ledger_lost,
    )


def _shares(mix: TriedMix) -> Shares:
    if mix.cached + mix.output > 1:
        raise ApiError(400, "bad_request", "the shares of cached input and output are more than 1 together")
    return Shares(input=1 - mix.cached - mix.output, cached=mix.cached, output=mix.output)


def _body(draft: ExplainDraft, plan: Plan) -> bytes:
    if draft.body is not None:
        return msgspec.json.encode(draft.body)
    return SURFACES[draft.endpoint].example(draft.model or example_model(plan.policy), draft.prompt)


def _key(name: str | None, plan: Plan) -> KeyGrant:
    if not name:
        return NOBODY
    grant = grant_named(plan, name)
    if grant is None:
        raise ApiError(400, "unknown_key", f"the policy has no key {name!r}")
    return grant


async def apply(control: HandlerContext, ask: HandlerRequest) -> Applied:
    draft: ApplyDraft = ask.body
    seen = expected(ask)
    await control.aside.run(partial(control.desk.rehearse, draft.text.encode()))
    return await _noted(
        control, ask, "policy.apply", draft.note, partial(control.desk.apply, draft.text, seen, ask.author(draft.note))
    )


async def roll_back(control: HandlerContext, ask: HandlerRequest) -> Applied:
    wanted: RollBack = ask.body
    return await _noted(
        control,
        ask,
        "policy.rollback",
        wanted.note,
        partial(control.desk.roll_back, _earlier(wanted, ask), expected(ask), ask.author(wanted.note)),
    )


def _earlier(wanted: RollBack, ask: HandlerRequest) -> Earlier:
    return Earlier(wanted.version, ask.asker.role == "admin", tuple(wanted.losing))


async def _noted(
    control: HandlerContext, ask: HandlerRequest, action: str, note: str, write: Callable[[Noting], Awaitable[Applied]]
) -> Applied:
    noting = PolicyNoting(control.audit, ask.asker.actor, action, control.desk.state().path, note)
    try:
        return await write(noting)
    except ApiError as error:
        await noting.failed(error)
        raise


def expected(ask: HandlerRequest) -> str:
    """The version that the client has seen. Raises ApiError when it does not say."""
    given = ask.request.headers.get("if-match", "").strip().removeprefix("W/").strip('"')
    if not given or given == "*":
        raise ApiError(
            428,
            "version_needed",
            "send If-Match with what the edit began with: `text_version` of the policy, `version` of a key or team",
        )
    return given


async def history(control: HandlerContext, ask: HandlerRequest) -> History:
    return History(await asyncio.to_thread(control.desk.history.entries))


async def version(control: HandlerContext, ask: HandlerRequest) -> HistoryText:
    for_admin = ask.asker.role == "admin"
    return await control.aside.run(partial(_version, control, ask.request.match_info["version"], for_admin))


def _version(control: HandlerContext, wanted: str, for_admin: bool) -> HistoryText:
    content = control.desk.earlier(wanted, for_admin=for_admin)
    diff = control.desk.diff_to_running(content, wanted)
    return HistoryText(wanted, shown(content), diff, control.desk.lost_by(content))
