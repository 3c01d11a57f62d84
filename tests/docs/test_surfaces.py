"""docs/surfaces.md has every surface and every path."""

from __future__ import annotations

from router.gateway.own_paths import OWN
from router.surfaces.registry import BY_PATH, SURFACES
from tests.docs.markdown import ROOT
from tests.docs.surfaces import tables, with_tables

PAGE = ROOT / "docs" / "surfaces.md"


def test_the_tables_are_current() -> None:
    assert with_tables(PAGE.read_text()) == PAGE.read_text(), "run `make docs`"
    assert tables() in PAGE.read_text()


def test_every_surface_and_every_path_is_there() -> None:
    text = tables()
    assert [name for name in SURFACES if f"| `{name}` |" not in text] == []
    assert [path for path in (*BY_PATH, *OWN) if f"{path}`" not in text] == []


def test_a_surface_names_the_kinds_that_serve_it() -> None:
    [chat] = [line for line in tables().splitlines() if line.startswith("| `chat` ")]
    assert "| `vllm`, `openai`, `litellm`" in chat
