"""Static files."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from support.control import ADMIN, VIEWER

from router.admin.static_files import PLOTLY, Pages

FOREVER = "public, max-age=31536000, immutable"
HTML = sorted((Path(__file__).parents[2] / "router/admin/pages").glob("*.html"))


@pytest.mark.parametrize("path", HTML, ids=lambda path: path.name)
async def test_every_page_keeps_to_the_policy_that_browsers_enforce(path):
    file = await Pages().page(path.stem)
    text = file.content.decode()
    assert "{{" not in text
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:|https?://", text)


@pytest.mark.parametrize("path", HTML, ids=lambda path: path.name)
def test_a_page_names_all_modules_that_it_needs_so_that_they_come_at_once(path):
    def needs(name: str) -> set[str]:
        used = set(re.findall(r'from "\{\{([\w.-]+)\}\}"', (path.parent / name).read_text()))
        return used.union(*(needs(each) for each in used))

    named = re.findall(r'rel="modulepreload" href="\{\{([\w.-]+)\}\}"', path.read_text())
    assert sorted(named) == sorted(needs(f"{path.stem}.js"))


async def test_pages_name_their_files_by_content_and_those_may_be_kept(plane):
    page = await plane.get("/", ADMIN)
    assert page.headers["content-type"] == "text/html; charset=utf-8" and page.headers["cache-control"] == "no-cache"
    addresses = re.findall(r'(?:src|href)="(/assets/[^"]+)"', page.body.decode())
    assert {"base.css", "index.js"} <= {re.split(r"[/?]", address)[2] for address in addresses}
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


async def test_a_page_sends_who_is_not_signed_in_to_the_sign_in_page(plane):
    for path in ("/", "/anything"):
        answer = await plane.get(path, "")
        assert (answer.status, answer.headers["location"]) == (303, "/sign-in")
    page = await plane.sign_in(VIEWER)
    assert (await plane.ask("GET", "/", headers=page)).status == 200
    assert (await plane.get("/index", ADMIN)).status == 200


async def test_pages_of_another_folder(tmp_path):
    (tmp_path / "a.html").write_text('<script src="{{a.js}}"></script>')
    (tmp_path / "a.js").write_text("let a;")
    (tmp_path / "secret.txt").write_text("x")
    pages = Pages(tmp_path)
    assert pages.names() == ["a.html", "a.js", PLOTLY]
    script = await pages.file("a.js")
    assert (await pages.page("a")).content.decode() == f'<script src="/assets/a.js?v={script.version}"></script>'
    assert await pages.file("secret.txt") is None


async def test_a_reference_to_nothing_is_noticed(tmp_path):
    (tmp_path / "a.html").write_text("{{absent.js}}")
    with pytest.raises(KeyError):
        await Pages(tmp_path).page("a")
