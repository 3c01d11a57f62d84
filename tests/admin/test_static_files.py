"""Static files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from router.admin.static_files import PLOTLY, Pages

HTML = sorted(
    path for path in (Path(__file__).parents[2] / "router/admin/pages").glob("*.html") if path.name != "frame.html"
)


@pytest.mark.parametrize("path", HTML, ids=lambda path: path.name)
async def test_every_page_keeps_to_the_policy_that_browsers_enforce(path):
    file = await Pages().page(path.stem)
    text = file.content.decode()
    assert "{{" not in text
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:|https?://", text)


async def test_pages_of_another_folder(tmp_path):
    (tmp_path / "a.html").write_text('<script src="{{a.js}}"></script>')
    (tmp_path / "a.js").write_text("let a;")
    (tmp_path / "secret.txt").write_text("x")
    pages = Pages(tmp_path)
    assert pages.names() == ["a.html", "a.js", PLOTLY]
    script = await pages.file("a.js")
    assert (await pages.page("a")).content.decode() == f'<script src="/assets/a.js?v={script.version}"></script>'
    assert await pages.file("secret.txt") is None


async def test_a_page_with_a_title_is_put_into_the_frame_which_is_no_page_itself(tmp_path):
    (tmp_path / "frame.html").write_text("<title><!-- title --></title>\n<main>\n<!-- main -->\n</main>\n")
    (tmp_path / "a.html").write_text("<title>A</title>\n<p>all of it</p>\n")
    (tmp_path / "a.js").write_text("let a;")
    pages = Pages(tmp_path)
    assert (await pages.page("a")).content == b"<title>A</title>\n<main>\n<p>all of it</p>\n</main>\n"
    assert await pages.page("frame") is None


async def test_a_reference_to_nothing_is_noticed(tmp_path):
    (tmp_path / "a.html").write_text("{{absent.js}}")
    with pytest.raises(KeyError):
        await Pages(tmp_path).page("a")
