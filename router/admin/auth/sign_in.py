"""Signing in and out."""

from __future__ import annotations

import contextlib
import logging
from urllib.parse import urlencode

import msgspec
from aiohttp import web

from router.admin.answers.outcome import Health
from router.admin.auth.answers import Session, SignInWays
from router.admin.auth.own_path import HOME, header_form, own_path, sign_in_address
from router.admin.auth.session_cookie import COOKIE, drop_session, set_session
from router.admin.auth.sign_in_attempts import Attempts
from router.admin.errors import ApiError
from router.admin.handler_context import HandlerContext, HandlerRequest
from router.admin.request_types import SignIn, SignInQuery
from router.core.audit.entry import Actor

FORM = "application/x-www-form-urlencoded"
WRONG_TOKEN = "wrong_token"  # noqa: S105
WRONG = "this token is not right"

log = logging.getLogger("breakeven.admin")


async def sign_in(control: HandlerContext, ask: HandlerRequest) -> Session | web.Response:
    """A form is answered with a way on, JSON with JSON. Raises ApiError."""
    request = ask.request
    form = request.content_type == FORM
    onward = own_path(request.query.get("next", ""))
    try:
        value, session = await _opened(control, await _token(request, ask), control.address_of(request))
    except ApiError as error:
        if not form:
            raise
        problem = error.answer.error.code
        return web.Response(status=303, headers={"location": sign_in_address(onward, problem)})
    answer = (
        web.Response(status=303, headers={"location": header_form(onward)})
        if form
        else web.Response(body=msgspec.json.encode(session), content_type="application/json")
    )
    set_session(request, answer, value)
    return answer


async def _token(request: web.Request, ask: HandlerRequest) -> str:
    if request.content_type == FORM:
        token = (await request.post()).get("token", "")
        return token.strip() if isinstance(token, str) else ""
    given: SignIn = ask.body
    return given.token.strip()


async def _opened(control: HandlerContext, token: str, address: str) -> tuple[str, Session]:
    role = control.tokens.role_of(token)
    if role is None:
        slow_down(control.sign_ins, address)
        log.warning("sign-in refused", extra={"address": address})
        await control.audit.later(Actor("", "", "page", address), "sign-in.refused", "")
        raise ApiError(401, WRONG_TOKEN, WRONG)
    await note_arrival(control, Actor("", role, "page", address), "sign-in")
    value, session = control.sessions.open(role)
    log.info("signed in", extra={"role": role, "address": address})
    return value, Session(role, session.csrf, session.expires, control.version, control.simulated)


async def note_arrival(control: HandlerContext, actor: Actor, action: str) -> None:
    """Raises ApiError."""
    remark = control.arrivals.note(action, actor.name, actor.role)
    if remark is not None:
        await control.audit.later(actor, action, "", note=remark)


def slow_down(attempts: Attempts, address: str) -> None:
    """Count a wrong token. Raises ApiError when there were too many from there.

    Only wrong ones are refused: somebody else behind the same address must not be locked out by them.
    """
    wait = attempts.wait(address)
    if wait:
        headers = {"retry-after": str(int(wait) + 1)}
        raise ApiError(429, "too_many_attempts", "too many wrong tokens: wait a minute", headers=headers)
    attempts.failed(address)


async def sign_out(control: HandlerContext, ask: HandlerRequest) -> web.Response:
    session = ask.asker.session
    if session is not None:
        control.sessions.close(session)
        with contextlib.suppress(ApiError):  # whoever wants to leave can, also where that can be noted nowhere
            await note_arrival(control, ask.asker.actor, "sign-out")
    answer = web.Response(body=msgspec.json.encode(Health()), content_type="application/json")
    drop_session(answer)
    return answer


async def ways(control: HandlerContext, ask: HandlerRequest) -> SignInWays:
    """The page of signing in asks, since a link from elsewhere comes without the cookie, and may lead who is signed in
    there."""
    given: SignInQuery = ask.query
    onward = own_path(given.next)
    signed_in = control.sessions.find(ask.request.cookies.get(COOKIE, "")) is not None
    provider = control.provider
    kept = provider.keeps(onward)
    wanted = urlencode({"next": onward}) if kept and onward != HOME else ""
    return SignInWays(
        provider=provider.name,
        begin=f"{provider.address}/sign-in/begin?{wanted}".rstrip("?") if provider.name else "",
        trouble=await provider.trouble(),
        forgets=not kept,
        signed_in=signed_in,
        onward=header_form(onward),
    )


async def session(control: HandlerContext, ask: HandlerRequest) -> Session:
    who = ask.asker
    if who.session is None:
        return Session(who.role, version=control.version, simulated=control.simulated)
    return Session(
        who.role, who.session.csrf, who.session.expires, control.version, simulated=control.simulated, user=who.user
    )
