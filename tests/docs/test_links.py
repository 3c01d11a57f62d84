"""Links between the documents lead somewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.markdown import ROOT, links

LINKS = links()


@pytest.mark.parametrize(
    ("document", "target"), LINKS, ids=[f"{document.relative_to(ROOT)} {target}" for document, target in LINKS]
)
def test_a_link_leads_to_a_file(document: Path, target: str) -> None:
    assert (document.parent / target).exists()
