"""Pages and what they load, as they are sent."""

from __future__ import annotations

import gzip
import re

import pytest
from support.control import ADMIN, VIEWER

from router.admin.static_files import PLOTLY

FOREVER = "public, max-age=31536000, immutable"


async def test_pages_name_their_files_by_content_and_those_may_be_kept(plane):
    page = await plane.get("/", ADMIN)
    assert page.headers["content-type"] == "text/html; charset=utf-8" and page.headers["cache-control"] == "no-cache"
    addresses = re.findall(r'(?:src|href)="(/assets/[^"]+)"', page.body.decode())
    assert {"base.css", "worth.js"} <= {re.split(r"[/?]", address)[2] for address in addresses}
    for address in addresses:
        asset = await plane.get(address, "")
        assert asset.status == 200 and asset.headers["cache-control"] == FOREVER


async def test_without_the_right_version_a_file_is_asked_for_again(plane):
    for query in ("", "?v=0000000000000000"):
        assert (await plane.get(f"/assets/base.css{query}", "")).headers["cache-control"] == "no-cache"


async def test_an_unchanged_file_is_not_sent_twice(plane):
    first = await plane.get("/assets/base.css", "")
    again = await plane.get("/assets/base.css", "", headers={"if-none-match": first.headers["etag"]})
    assert (again.status, again.body) == (304, b"") and again.headers["etag"] == first.headers["etag"]


async def test_plotly_comes_compressed_from_the_installed_package(plane):
    zipped = await plane.get(f"/assets/{PLOTLY}", "", headers={"accept-encoding": "gzip, br"})
    assert zipped.headers["content-encoding"] == "gzip" and zipped.headers["vary"] == "accept-encoding"
    plain = await plane.get(f"/assets/{PLOTLY}", "", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers and gzip.decompress(zipped.body) == plain.body
    assert b"plotly.js v" in plain.body[:200] and len(zipped.body) < len(plain.body) / 2
    assert zipped.headers["etag"] != plain.headers["etag"]
    assert plain.headers["content-type"] == "text/javascript; charset=utf-8"


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/assets/nothing.js",
        "/assets/index.html",
        "/assets/..%2f__init__.py",
        "/..%2fpages",
        "/assets/pages.py",
    ],
)
async def test_what_is_not_a_file_of_the_pages_is_not_found(path, plane):
    assert (await plane.get(path, ADMIN)).status == 404


BROWSER = {"accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}


@pytest.mark.parametrize("path", ["/nothing", "/not/here", "/spend/more"])
async def test_people_get_a_page_where_nothing_is(path, plane):
    answer = await plane.get(path, ADMIN, headers=BROWSER)
    assert (answer.status, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert b"There is no such page" in answer.body and b'<a href="/">' in answer.body
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/api/nothing", "/assets/nothing.js"])
async def test_programs_are_told_in_json_whatever_they_accept(path, plane):
    answer = await plane.get(path, ADMIN, headers=BROWSER)
    assert answer.status == 404 and answer.headers["content-type"].startswith("application/json")
    assert b'"not_found"' in answer.body


async def test_who_does_not_ask_for_a_page_gets_json(plane):
    assert b'"not_found"' in (await plane.get("/nothing", ADMIN)).body
    posted = await plane.ask("POST", "/nothing", ADMIN, headers=BROWSER)
    assert posted.headers["content-type"].startswith("application/json")


async def test_who_is_not_signed_in_is_asked_to_before_a_page_is_looked_for(plane):
    answer = await plane.get("/nothing", "", headers=BROWSER)
    assert answer.status == 303 and answer.headers["location"].startswith("/sign-in")


async def test_a_page_sends_who_is_not_signed_in_to_the_sign_in_page(plane):
    for path in ("/", "/anything"):
        answer = await plane.get(path, "")
        assert answer.status == 303 and answer.headers["location"].startswith("/sign-in")
    page = await plane.sign_in(VIEWER)
    assert (await plane.ask("GET", "/", headers=page)).status == 200
    assert (await plane.get("/worth", ADMIN)).status == 200


async def test_a_member_goes_on_to_the_page_for_members_and_others_are_not_for_them(plane):
    value, _ = plane.control.sessions.open("member", teams=frozenset({"search"}))
    member = {"cookie": f"breakeven_session={value}"}
    first = await plane.ask("GET", "/", headers=member | BROWSER)
    assert (first.status, first.headers["location"]) == (303, "/teams")
    refused = await plane.ask("GET", "/operations", headers=member | BROWSER)
    assert refused.status == 403 and b"not for your role" in refused.body
    missing = await plane.ask("GET", "/no-such-page", headers=member | {"accept": "text/html"})
    assert missing.status == 404 and b"There is no such page" in missing.body
    assert (await plane.ask("GET", "/operations", headers=member)).code == "not_allowed"
