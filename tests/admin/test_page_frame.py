"""What all pages have around them."""

from __future__ import annotations

import pytest

from router.admin.page_frame import FRAME, framed

SOURCES = {
    FRAME: """<title><!-- title --></title>
  <!-- first -->
  <!-- modules -->
<a href="/">Worth it?</a> <a href="/spend">Spend</a>
<main>
<!-- main -->
</main>
""",
    "spend.js": 'import { ask } from "{{api.js}}";\nimport { table } from "{{table.js}}";\nconst late = "{{big.js}}";',
    "table.js": 'import { el } from "{{dom.js}}";\nimport { ask } from "{{api.js}}";',
    "api.js": "",
    "dom.js": 'import { table } from "{{table.js}}";',
    "worth.js": "",
}


def page(name: str, source: str) -> list[str]:
    return framed(source, name, SOURCES.__getitem__).splitlines()


def test_a_page_has_its_title_its_modules_its_place_in_the_navigation_and_its_content():
    assert page("spend", "<title>Spend</title>\n<h1>Spend</h1>\n") == [
        "<title>Spend</title>",
        '  <link rel="modulepreload" href="{{api.js}}">',  # all that it needs comes at once, also what its modules need
        '  <link rel="modulepreload" href="{{dom.js}}">',
        '  <link rel="modulepreload" href="{{table.js}}">',
        '  <script type="module" src="{{spend.js}}"></script>',
        '<a href="/">Worth it?</a> <a href="/spend" aria-current="page">Spend</a>',
        "<main>",
        "<h1>Spend</h1>",
        "</main>",
    ]


def test_the_landing_page_is_at_the_root():
    assert '<a href="/" aria-current="page">Worth it?</a> <a href="/spend">Spend</a>' in page(
        "worth", "<title>Worth it?</title>\n"
    )


def test_a_whole_document_stays_as_it_is():
    assert page("sign-in", "<!doctype html>\n<p>{{icon.svg}}") == ["<!doctype html>", "<p>{{icon.svg}}"]


def test_a_script_that_has_to_run_first_stands_at_the_beginning():
    lines = page("spend", '<title>Spend</title>\n<script src="{{early.js}}"></script>\n<h1>Spend</h1>\n')
    assert lines[1] == '  <script src="{{early.js}}"></script>' and "<h1>Spend</h1>" in lines
    assert lines.count('<script src="{{early.js}}"></script>') == 0


def test_a_page_without_its_script_is_noticed():
    with pytest.raises(KeyError):
        page("absent", "<title>Absent</title>\n")
