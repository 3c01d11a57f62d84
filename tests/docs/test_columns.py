"""docs/commands.md explains every column of the export."""

from __future__ import annotations

from router.ledger.reports.export import COLUMNS
from tests.docs.columns import table, with_columns
from tests.docs.markdown import ROOT

PAGE = ROOT / "docs" / "commands.md"


def test_the_table_is_current() -> None:
    assert with_columns(PAGE.read_text()) == PAGE.read_text(), "run `make docs`"
    assert table() in PAGE.read_text()


def test_every_column_is_explained() -> None:
    assert [column.name for column in COLUMNS if f"`{column.name}`" not in table()] == []
