"""The table of the export's columns in docs/commands.md, made from the schema of request records.

`make docs` writes it between its two markers; a test fails while the page and the schema differ.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from router.ledger.record import FIELDS, SHOWN

BEGIN = "<!-- columns: begin (made by `make docs`) -->"
END = "<!-- columns: end -->"


def table() -> str:
    return "\n".join(("| column | meaning |", "|---|---|", *map(_row, SHOWN)))


def _row(name: str) -> str:
    field = FIELDS[name]
    columns = (form.name.format(field.column or name) for form in field.unit.columns)
    return f"| {', '.join(f'`{column}`' for column in columns)} | {field.doc} |"


def with_columns(document: str) -> str:
    """The document with everything between the markers made anew."""
    between = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
    return between.sub(lambda _: f"{BEGIN}\n\n{table()}\n\n{END}", document)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        Path(name).write_text(with_columns(Path(name).read_text()))
