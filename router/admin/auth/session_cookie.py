"""The cookie of a session: out of reach for scripts and other sites."""

from __future__ import annotations

from aiohttp import web

COOKIE = "breakeven_session"


def set_session(request: web.Request, answer: web.Response, value: str) -> None:
    answer.set_cookie(
        COOKIE,
        value,
        expires=None,
        max_age=None,
        path="/",
        httponly=True,
        samesite="Strict",
        secure=is_tls(request),
    )


def drop_session(answer: web.Response) -> None:
    answer.del_cookie(COOKIE, path="/", httponly=True, samesite="Strict")


def is_tls(request: web.Request) -> bool:
    """A proxy's word is enough here: whoever forges it only keeps the cookie from themselves."""
    return request.secure or request.headers.get("x-forwarded-proto", "").lower() == "https"
