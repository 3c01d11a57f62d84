"""An aiohttp application from the table of routes."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec
from aiohttp import web

from router.admin import request_types
from router.admin.answers.outcome import Refused, Trouble
from router.admin.auth.guard import admit, check_host, check_origin
from router.admin.auth.own_path import sign_in_address
from router.admin.auth.roles import Access
from router.admin.auth.sign_in import FORM
from router.admin.errors import ApiError
from router.admin.handler_context import HandlerContext, HandlerRequest
from router.admin.routes import ROUTES, Route
from router.admin.views.pages import no_such_page, not_allowed

_A_DAY = f"`str` matching regex {request_types.DAY_PATTERN!r}"
LARGEST_BODY = 4_000_000
"""A policy of the largest size, with every character escaped, and more than enough for a request to explain."""
LONGEST_LINE = 131_072
"""Bytes of a request's first line: the longest link that is kept, written as a part of another one."""
SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # Not `no-referrer`: browsers would send `Origin: null` with forms then.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}

_PARAMETER = re.compile(r" - at `\$\.(\w+)")
log = logging.getLogger("breakeven.admin")


def application(control: HandlerContext, routes: Iterable[Route] = ROUTES) -> web.Application:
    app = web.Application(middlewares=[_answering(control)], client_max_size=LARGEST_BODY)
    for route in routes:
        handler = _handler(control, route)
        for method in route.methods:
            app.router.add_route(method, route.path, handler)
    app.on_response_prepare.append(_secure)
    app.on_shutdown.append(lambda _: _end_streams(control))
    return app


def runner_of(control: HandlerContext, shutdown_timeout: float) -> web.AppRunner:
    return web.AppRunner(
        application(control),
        access_log=None,
        handler_cancellation=True,
        shutdown_timeout=shutdown_timeout,
        max_line_size=LONGEST_LINE,
    )


def _handler(control: HandlerContext, route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    several = _several(route)

    async def handle(request: web.Request) -> web.StreamResponse:
        if not route.any_host:
            check_host(control, request)
            check_origin(control, request, writes=route.writes)
        try:
            who = None if route.access is Access.OPEN else admit(control, request, route)
        except ApiError as error:
            if route.page and error.status == 401:
                return web.Response(status=303, headers={"location": sign_in_address(request.path_qs)})
            if route.page and error.status == 403 and _for_people(request):
                name = request.match_info.get("name")
                missing = name is not None and await control.pages.page(name) is None
                return await (no_such_page if missing else not_allowed)(control)
            raise
        ask = HandlerRequest(request, who, _query(route, several, request), await _body(route, request))
        answer = await route.handler(control, ask)
        return answer if isinstance(answer, web.StreamResponse) else as_json(answer)

    return handle


def _several(route: Route) -> Sequence[str]:
    """Parameters of the query that may be there several times, with a value each."""
    if route.query is None:
        return ()
    found: Any = msgspec.inspect.type_info(route.query)
    return [each.encode_name for each in found.fields if isinstance(each.type, msgspec.inspect.VarTupleType)]


def _query(route: Route, several: Iterable[str], request: web.Request) -> Any:
    if route.query is None:
        return None
    given: dict[str, object] = dict(request.query)
    given |= {name: request.query.getall(name) for name in several if name in request.query}
    try:
        return msgspec.convert(given, route.query, strict=False)
    except msgspec.ValidationError as error:
        raise ApiError(400, "bad_query", _in_words(error, route.query, given)) from None


def _in_words(error: msgspec.ValidationError, query: type, given: Mapping[str, object]) -> str:
    """What is wrong with a parameter of the address, for people: pages show it as it is."""
    found = _PARAMETER.search(str(error))
    if found is None or found[1] not in given:
        return str(error)
    fields: Any = msgspec.inspect.type_info(query)
    wanted = next((_wanted(each.type) for each in fields.fields if each.encode_name == found[1]), "")
    return f"the address says {found[1]}={str(given[found[1]])[:80]}, which it cannot be{wanted}"


def _wanted(kind: msgspec.inspect.Type) -> str:
    match kind:
        case msgspec.inspect.LiteralType(values):
            return f": it is one of {', '.join(map(str, values))}"
        case msgspec.inspect.StrType(pattern=request_types.DAY_PATTERN):
            return f": it is {request_types.DAY_IN_WORDS}"
        case msgspec.inspect.IntType():
            least, most = kind.ge, kind.le
            bounds = (f" from {least} on" if least is not None else "") + (
                f", at most {most}" if most is not None else ""
            )
            return f": it is a whole number{bounds}"
        case msgspec.inspect.UnionType(types):
            return next((told for each in types if (told := _wanted(each))), "")
        case _:
            return ""


async def _body(route: Route, request: web.Request) -> Any:
    """A form is left to its handler."""
    if route.body is None or (request.content_type == FORM and route.access is Access.OPEN):
        return None
    if request.content_type != "application/json":
        raise ApiError(415, "json_needed", "send JSON, with content-type: application/json")
    try:
        return msgspec.json.decode(await request.read(), type=route.body)
    except msgspec.DecodeError as error:
        raise ApiError(400, "bad_body", str(error).replace(_A_DAY, request_types.DAY_IN_WORDS)) from None
    except RecursionError:
        raise ApiError(400, "bad_body", "the body is nested too deeply") from None


def as_json(answer: object, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(answer), status=status, content_type="application/json", headers=headers
    )


def _answering(control: HandlerContext) -> Any:
    @web.middleware
    async def answering(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        try:
            return await handler(request)
        except ApiError as error:
            return as_json(error.answer, error.status, error.headers)
        except web.HTTPException as error:
            return await _refused(control, request, error)
        except Exception:
            log.exception("request failed", extra={"path": request.match_info.get_info().get("formatter", "")})
            return as_json(Refused(Trouble("internal", "this failed; the log says where")), 500)

    return answering


async def _refused(control: HandlerContext, request: web.Request, error: web.HTTPException) -> web.StreamResponse:
    """What aiohttp refuses: no such path or method, a body that is too large."""
    try:
        check_host(control, request)
    except ApiError as unknown:
        return as_json(unknown.answer, unknown.status)
    if error.status == 404 and _for_people(request):
        return await no_such_page(control)
    code = (error.reason or "refused").lower().replace(" ", "_")
    headers = {"allow": error.headers["Allow"]} if "Allow" in error.headers else {}
    return as_json(Refused(Trouble(code, error.reason or "refused")), error.status, headers)


def _for_people(request: web.Request) -> bool:
    """Whether a browser was to show it: what scripts and programs ask for is answered as everything else is."""
    asked = request.headers.get("accept", "")
    return (
        request.method in ("GET", "HEAD")
        and "text/html" in asked
        and not request.path.startswith(("/api/", "/assets/"))
    )


async def _secure(request: web.Request, response: web.StreamResponse) -> None:
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("cache-control", "no-store")
    response.headers.popall("server", None)


async def _end_streams(control: HandlerContext) -> None:
    control.live.end()
    control.simulations.end()
