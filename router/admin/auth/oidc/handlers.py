"""The two addresses of signing in with the provider: there, and back."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Mapping

from aiohttp import web

from router.admin.auth.oidc.refused import SignInRefused
from router.admin.auth.oidc.round_trip import (
    LIFETIME_SECONDS,
    MOST_PENDING,
    MOST_PENDING_BYTES,
    name_for,
    pending,
)
from router.admin.auth.own_path import header_form, own_path, sign_in_address
from router.admin.auth.session_cookie import is_tls, set_session
from router.admin.auth.sessions import identified
from router.admin.auth.sign_in import note_arrival
from router.admin.errors import ApiError
from router.admin.handler_context import HandlerContext, HandlerRequest
from router.core.audit.entry import Actor

FOLDER = "/sign-in"

log = logging.getLogger("breakeven.admin")


async def begin(control: HandlerContext, ask: HandlerRequest) -> web.Response:
    onward = own_path(ask.request.query.get("next", ""))
    try:
        departure = await control.provider.begin(onward)
    except SignInRefused as refused:
        return _refused(control, ask.request, refused, onward)
    answer = web.Response(status=303, headers={"location": departure.location, "referrer-policy": "no-referrer"})
    answer.set_cookie(
        departure.name,
        departure.cookie,
        max_age=int(LIFETIME_SECONDS),
        path=FOLDER,
        httponly=True,
        samesite="Lax",
        secure=is_tls(ask.request),
    )
    for name in _too_many(ask.request.cookies, len(departure.name) + len(departure.cookie)):
        _drop(answer, name)
    return answer


async def finish(control: HandlerContext, ask: HandlerRequest) -> web.Response:
    """Ends with a page that goes on by itself: a redirect would still be the provider's doing to the browser, which
    would not send the new cookie with it."""
    request = ask.request
    address = control.address_of(request)
    name = name_for(request.query.get("state", ""), request.cookies)
    try:
        arrival = await control.provider.finish(request.cookies.get(name, ""), request.query)
    except SignInRefused as refused:
        await _note(control, refused, address)
        answer = _refused(control, request, refused)
    else:
        person = arrival.person
        who = identified(person.user, person.subject)
        await note_arrival(control, Actor(who, person.role, "page", address), "sign-in")
        lasting = control.provider.session_seconds
        value, _ = control.sessions.open(
            person.role, person.user, subject=person.subject, teams=person.teams, lifetime=lasting
        )
        log.info("signed in", extra={"user": who, "role": person.role, "address": address})
        file = await control.pages.page("signed-in")
        assert file is not None
        answer = web.Response(body=file.content, headers={"content-type": file.content_type})
        answer.headers["refresh"] = f"0;url={header_form(arrival.onward)}"
        set_session(request, answer, value)
    answer.headers["referrer-policy"] = "no-referrer"
    if name:
        _drop(answer, name)
    return answer


def _drop(answer: web.Response, name: str) -> None:
    answer.del_cookie(name, path=FOLDER, httponly=True, samesite="Lax")


def _too_many(cookies: Mapping[str, str], new: int) -> Iterator[str]:
    """Names of what was begun first and gives way to what is begun now, whose cookie has so many bytes."""
    size = new
    for number, name in enumerate(reversed(pending(cookies)), 2):
        size += len(name) + len(cookies[name])
        if number > MOST_PENDING or size > MOST_PENDING_BYTES:
            yield name


async def _note(control: HandlerContext, refused: SignInRefused, address: str) -> None:
    """What came to nothing before the provider said anything is not noted, nor more from one address than guesses of
    a token: anybody could fill the audit."""
    if refused.code in ("no_provider", "begin_again") or control.sign_ins.wait(address):
        return
    control.sign_ins.failed(address)
    with contextlib.suppress(ApiError):  # nobody enters, also where that can be noted nowhere
        await control.audit.later(Actor("", "", "page", address), "sign-in.refused", "", note=refused.why)


def _refused(control: HandlerContext, request: web.Request, refused: SignInRefused, onward: str = "/") -> web.Response:
    log.warning("sign-in refused", extra={"why": refused.why, "address": control.address_of(request)})
    return web.Response(status=303, headers={"location": sign_in_address(onward, refused.code)})
