"""Every setting, environment variable and header of the program is documented, and nothing else is."""

from __future__ import annotations

import re

import pytest

from router.surfaces import may_be_billed
from tests.docs.markdown import ROOT
from tests.docs.reference import BEGIN, Setting, settings, with_reference

POLICY = ROOT / "docs" / "policy.md"
README = ROOT / "README.md"
SETTINGS = settings()


def _sources() -> str:
    return "".join(path.read_text() for path in sorted((ROOT / "router").rglob("*.py")))


def test_the_reference_is_current() -> None:
    assert with_reference(POLICY.read_text()) == POLICY.read_text(), "run `make docs`"


@pytest.mark.parametrize("setting", SETTINGS, ids=[setting.path for setting in SETTINGS])
def test_a_setting_is_explained(setting: Setting) -> None:
    """By its docstring, or by its full name in the page's text; a section is explained by the sections below it."""
    explained = POLICY.read_text().partition(BEGIN)[0]
    is_section = "section" in setting.values
    assert setting.description or is_section or f"`{setting.path}`" in explained or setting.path == "version"


def test_settings_that_the_page_names_exist() -> None:
    text = POLICY.read_text().partition(BEGIN)[0]
    sections = {path.split(".")[0].removesuffix("[]") for path in (setting.path for setting in SETTINGS) if "." in path}
    named = {
        name for name in re.findall(r"`([a-z]+(?:\[\])?(?:\.\w+(?:\[\])?)+)`", text) if name.split(".")[0] in sections
    }
    assert named
    assert named - {setting.path for setting in SETTINGS} - {"metadata.sensitivity"} == set()


def test_documented_environment_variables_are_read_somewhere() -> None:
    documented = set(re.findall(r"^\| (`[A-Z_`, ]+`) \|", README.read_text(), re.MULTILINE))
    names = {name for cell in documented for name in re.findall(r"[A-Z][A-Z_]+", cell)}
    assert len(names) >= 4
    assert {name for name in names if name not in _sources()} == set()


def test_environment_variables_that_are_read_are_documented() -> None:
    read = set(re.findall(r"[\"'](BREAKEVEN_[A-Z_]+|VLLM_BASE_URL|[A-Z]+_API_KEY)[\"']", _sources()))
    text = README.read_text()
    assert {name for name in read if name not in text} == set()


def test_headers_are_documented_and_exist() -> None:
    """What the adapter tells the gateway alone is no header of clients: it stands with what stops here."""
    in_code = set(re.findall(r"x-breakeven(?:-[a-z]+)+", _sources()))
    documented = set(re.findall(r"x-breakeven(?:-[a-z]+)+", README.read_text()))
    assert documented == in_code - {may_be_billed.HEADER}
    assert may_be_billed.HEADER in (ROOT / "docs" / "headers.md").read_text()


def test_reasons_are_documented() -> None:
    files = ("decision/decide.py", "cost/strategies.py")
    decide = "".join((ROOT / "router" / "core" / name).read_text() for name in files)
    codes = set(re.findall(r'"((?:only|local|cloud|breakeven)-[a-z]+|spill|unhealthy|cheapest)"', decide))
    volume = {
        f"{name}-{position}" for name in ("threshold", "breakeven") for position in ("above", "below", "hysteresis")
    }
    assert len(codes) >= 6
    assert {code for code in codes | volume if f"`{code}`" not in README.read_text()} == set()
