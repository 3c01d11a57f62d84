"""The tables of docs/surfaces.md, made from the registry of surfaces and from what the gateway answers itself.

`make docs` writes them between their two markers; a test fails while the page and the registry differ.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import get_args

from router.core.backend_kinds import Backend
from router.gateway.own_paths import OWN
from router.surfaces.base import PREFIX, Surface
from router.surfaces.registry import KEPT, SURFACES

BEGIN = "<!-- surfaces: begin (made by `make docs`) -->"
END = "<!-- surfaces: end -->"
_KINDS = {
    get_args(kind.model_fields["kind"].annotation)[0]: kind.default_endpoints for kind in get_args(get_args(Backend)[0])
}


def tables() -> str:
    surfaces = (
        "| surface | paths | at the backend | kinds that serve it |",
        "|---|---|---|---|",
        *map(_row, SURFACES.values()),
    )
    kept = ("| `resources` | paths of what is kept |", "|---|---|", *map(_kept, KEPT.names))
    answered = (f"| `{path}` | {how} | {what} |" for path, (how, what) in OWN.items())
    own = ("| path | methods | what it answers |", "|---|---|---|", *answered)
    return "\n".join((*surfaces, "", *kept, "", *own))


def _kept(resource: str) -> str:
    """Methods of one path stand together."""
    paths: dict[str, list[str]] = {}
    for each in KEPT.operations:
        if each.resource == resource:
            path = PREFIX + "".join(f"/{name or '{id}'}" for name in each.pattern)
            paths.setdefault(path, []).append(each.method)
    listed = (f"`{' '.join(methods)} {path}`" for path, methods in paths.items())
    return f"| `{resource}` | {', '.join(listed)} |"


def _row(surface: Surface) -> str:
    paths = ", ".join(f"`POST {path}`" for path in surface.paths)
    behind = "the URL without its version" if surface.at_root else "the URL"
    kinds = ", ".join(f"`{kind}`" for kind, served in _KINDS.items() if served is None or surface.name in served)
    return f"| `{surface.name}` | {paths} | {behind}, and `{surface.path}` | {kinds or 'none by default'} |"


def with_tables(document: str) -> str:
    """The document with everything between the markers made anew."""
    between = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
    return between.sub(lambda _: f"{BEGIN}\n\n{tables()}\n\n{END}", document)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        Path(name).write_text(with_tables(Path(name).read_text()))
