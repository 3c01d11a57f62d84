"""The pages themselves, what they load, and the document of the API."""

from __future__ import annotations

from aiohttp import web

from router.admin.auth.roles import Access, may
from router.admin.handler_context import HandlerContext, HandlerRequest
from router.admin.static_files import answer

MEMBERS_PAGE = "/teams"


async def asset(control: HandlerContext, ask: HandlerRequest) -> web.Response:
    name = ask.request.match_info["name"]
    file = None if name.endswith(".html") else await control.pages.file(name)
    return answer(ask.request, file, keep=file is not None and ask.request.query.get("v") == file.version)


async def index(control: HandlerContext, ask: HandlerRequest) -> web.Response:
    """Members go on to the page that is for them."""
    if not may(ask.asker.role, Access.VIEWER):
        return web.Response(status=303, headers={"location": MEMBERS_PAGE})
    return answer(ask.request, await control.pages.page("worth"), keep=False)


async def page(control: HandlerContext, ask: HandlerRequest) -> web.Response:
    return answer(ask.request, await control.pages.page(ask.request.match_info["name"]), keep=False)


async def spend(control: HandlerContext, ask: HandlerRequest) -> web.Response:
    return answer(ask.request, await control.pages.page("spend"), keep=False)


async def keys(control: HandlerContext, ask: HandlerRequest) -> web.Response:
    return answer(ask.request, await control.pages.page("keys"), keep=False)


async def teams(control: HandlerContext, ask: HandlerRequest) -> web.Response:
    return answer(ask.request, await control.pages.page("teams"), keep=False)


async def playground(control: HandlerContext, ask: HandlerRequest) -> web.Response:
    return answer(ask.request, await control.pages.page("playground"), keep=False)


async def audit(control: HandlerContext, ask: HandlerRequest) -> web.Response:
    return answer(ask.request, await control.pages.page("audit"), keep=False)


async def sign_in(control: HandlerContext, ask: HandlerRequest) -> web.Response:
    return answer(ask.request, await control.pages.page("sign-in"), keep=False)


async def no_such_page(control: HandlerContext) -> web.Response:
    """Of an address that the dashboard does not have."""
    return await _instead(control, 404, "not-found")


async def not_allowed(control: HandlerContext) -> web.Response:
    """Of a page that is for another role."""
    return await _instead(control, 403, "not-allowed")


async def _instead(control: HandlerContext, status: int, name: str) -> web.Response:
    file = await control.pages.page(name)
    assert file is not None
    return web.Response(status=status, body=file.content, headers={"content-type": file.content_type})


async def openapi(control: HandlerContext, ask: HandlerRequest) -> web.Response:
    return web.Response(body=control.openapi, content_type="application/json")
