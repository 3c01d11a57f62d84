"""docs/detectors.md claims what was measured, and the measurements are what the project promises."""

from __future__ import annotations

import re

import pytest

from router.core.sensitivity.finders import FINDERS
from tests.docs.detecting import found, raised, request, seeking, tables, with_tables
from tests.docs.markdown import ROOT
from tests.support.harmless import NUMBER, drawn, sources
from tests.support.sensitive import DRAWN, FORMS, Form

PAGE = ROOT / "docs" / "detectors.md"
_ADDRESS = re.compile(r"[\w.+-]+@[\w.-]+\w")


def test_the_page_is_current() -> None:
    assert with_tables(PAGE.read_text()) == PAGE.read_text(), "run `make docs`"
    assert tables() in PAGE.read_text()


@pytest.mark.parametrize("form", FORMS, ids=[f"{form.kind}: {form.name}" for form in FORMS])
def test_a_form_is_found(form: Form) -> None:
    assert found(form) >= 0.99 * DRAWN


def test_every_kind_has_forms() -> None:
    assert {form.kind for form in FORMS} == FINDERS.keys()


def test_at_most_one_harmless_text_in_a_hundred_is_raised() -> None:
    number, wrong = raised(drawn())

    assert number.total() == NUMBER
    assert wrong.total() <= 0.01 * NUMBER, wrong


def test_at_most_one_piece_of_real_source_code_in_a_hundred_is_raised() -> None:
    """Python's own library names its authors: addresses are taken out, and all else is looked for."""
    pieces = list(sources(2000))
    detectors = seeking(FINDERS)
    wrong = [piece for piece in pieces if detectors.scan_body(request(_ADDRESS.sub("somebody", piece)))]

    assert len(pieces) > 1000
    assert len(wrong) <= 0.01 * len(pieces)
