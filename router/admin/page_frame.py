"""What all pages of the dashboard have around them: head, navigation, who is signed in.

A page's file holds its title, a script that has to run first if there is one, and what is between `<main>` and its end;
`frame.html` has the rest, once. A page that is a whole document, such as that of signing in, stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable

FRAME = "frame.html"
LANDING = "worth"
"""The page that is at `/`."""

_TITLE = re.compile(r"\A<title>([^<]+)</title>\n")
_FIRST = re.compile(r'<script src="[^"]+"></script>\n')
_IMPORTED = re.compile(r'from "\{\{([\w.-]+)\}\}"')


def framed(source: str, name: str, read: Callable[[str], str]) -> str:
    """The page's document. `name`: its file, without the ending; `read`: the source of a file by its name."""
    title = _TITLE.match(source)
    if title is None:
        return source
    first = _FIRST.match(source, title.end())
    address = "/" if name == LANDING else f"/{name}"
    return (
        read(FRAME)
        .replace("<!-- title -->", title[1])
        .replace("  <!-- first -->\n", "" if first is None else f"  {first[0]}")
        .replace("  <!-- modules -->\n", "".join(_preloaded(f"{name}.js", read)))
        .replace(f'<a href="{address}">', f'<a href="{address}" aria-current="page">')
        .replace("<!-- main -->\n", source[(first or title).end() :])
    )


def _preloaded(script: str, read: Callable[[str], str]) -> list[str]:
    """Lines of a head: all modules that a script needs, named so that they come at once, and the script."""
    needed: set[str] = set()
    unread = [script]
    while unread:
        found = set(_IMPORTED.findall(read(unread.pop()))) - needed
        needed |= found
        unread += found
    lines = [f'  <link rel="modulepreload" href="{{{{{each}}}}}">\n' for each in sorted(needed)]
    return [*lines, f'  <script type="module" src="{{{{{script}}}}}"></script>\n']
