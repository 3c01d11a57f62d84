"""The contributors' guide names what there is: each word once, and no recipe longer than five files."""

from __future__ import annotations

import re

import pytest

from tests.docs.markdown import ROOT

GUIDE = (ROOT / "CONTRIBUTING.md").read_text()
MOST_FILES = 5


def _section(title: str) -> str:
    return GUIDE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def _words() -> list[tuple[str, str]]:
    """The glossary: each word, and the path where it stands."""
    return re.findall(r"^\| ([a-z -]+) \| .* \| `([^`]+)` \|$", _section("Words"), re.MULTILINE)


def _recipes() -> dict[str, list[str]]:
    """The items of each recipe."""
    recipes = _section("Recipes").split("\n### ")[1:]
    return {recipe.partition("\n")[0]: re.findall(r"^\d\. (.*)", recipe, re.MULTILINE) for recipe in recipes}


RECIPES = _recipes()


def test_every_word_stands_once_and_where_the_guide_says() -> None:
    words = [word for word, _ in _words()]
    assert len(words) > 30
    assert words == sorted(set(words))
    assert [path for _, path in _words() if not (ROOT / path).exists()] == []


def test_there_is_a_recipe_for_each_kind_of_change() -> None:
    assert list(RECIPES) == [
        "A detector",
        "A cost strategy",
        "A surface",
        "A limit",
        "A kind of backend",
        "A chart",
        "A command",
        "A field of the record",
        "A condition of alerts",
        "A target of alerts",
    ]


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_names_files_that_exist_and_no_more_than_five(name: str) -> None:
    files = [item.split("`")[1] for item in RECIPES[name]]
    assert 0 < len(set(files)) == len(files) <= MOST_FILES
    assert [file for file in files if not (ROOT / file).is_file()] == []


def test_the_picture_of_a_request_names_modules_that_exist() -> None:
    picture = GUIDE.partition("```mermaid\n")[2].partition("```")[0]
    named = set(re.findall(r"\b((?:gateway|core|ledger)\.\w+)", picture))
    assert len(named) > 10
    places = {name: ROOT / "router" / name.replace(".", "/") for name in named}
    assert [name for name, place in places.items() if not (place.is_dir() or place.with_suffix(".py").exists())] == []
