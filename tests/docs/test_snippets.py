"""Every YAML block of the documentation is a policy that loads, or a section of one."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from router.config.cases import check_cases
from router.config.load import load
from router.config.warnings import warnings_of
from tests.docs.markdown import ROOT, Block, blocks

NOW = datetime(2026, 11, 20, tzinfo=UTC)
SNIPPETS = blocks("yaml")
COMPLETE = [block for block in SNIPPETS if "version:" in block.text]
CASES = [block for block in SNIPPETS if block.text.startswith("- ")]
SECTIONS = [block for block in SNIPPETS if block not in COMPLETE and block not in CASES]

SHIPPED = sorted(path for path in (ROOT / "policies").glob("*.yaml") if not path.name.endswith(".cases.yaml"))
WARNED = {"threshold.yaml": {"cost.threshold_tokens_per_day"}}
"""What the strict check says of shipped policies that mean it so."""


def _place(block: Block) -> str:
    return block.place


@pytest.fixture(scope="module")
def example() -> dict[str, object]:
    """The complete example of docs/policy.md; the page's other blocks are sections of a file like it."""
    text = next(block.text for block in COMPLETE if block.place.startswith("docs/policy.md"))
    data = yaml.safe_load(text)
    assert isinstance(data, dict)
    return data


@pytest.mark.parametrize("block", COMPLETE, ids=_place)
def test_a_complete_policy_loads_as_it_stands(block: Block, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(block.text)
    assert load(tmp_path / "policy.yaml", now=NOW).models


@pytest.mark.parametrize("block", COMPLETE, ids=_place)
def test_a_complete_policy_passes_the_strict_check(block: Block, tmp_path: Path) -> None:
    assert not warned(block.text.encode(), tmp_path / "policy.yaml")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_a_shipped_policy_passes_the_strict_check_or_says_why_it_does_not(path: Path, tmp_path: Path) -> None:
    content = path.read_bytes()
    assert warned(content, tmp_path / "policy.yaml") == WARNED.get(path.name, set())
    assert path.name not in WARNED or b"`breakeven check --strict` warns" in content


def warned(content: bytes, path: Path) -> set[str]:
    """The fields that `check` warns of."""
    path.write_bytes(content)
    return {warning.field for warning in warnings_of(content, str(path), load(path, now=NOW))}


@pytest.mark.parametrize("block", SECTIONS, ids=_place)
def test_a_section_loads_within_the_complete_example(block: Block, example: dict[str, object], tmp_path: Path) -> None:
    sections = yaml.safe_load(block.text)
    (tmp_path / "policy.yaml").write_text(yaml.safe_dump(example | sections, sort_keys=False))
    assert load(tmp_path / "policy.yaml", now=NOW).models


@pytest.mark.parametrize("block", CASES, ids=_place)
def test_cases_hold_for_the_complete_example(block: Block, example: dict[str, object], tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(yaml.safe_dump(example, sort_keys=False))
    (tmp_path / "policy.cases.yaml").write_text(block.text)
    assert check_cases(tmp_path / "policy.cases.yaml", load(tmp_path / "policy.yaml", now=NOW)) >= 1


def test_every_shipped_policy_is_named() -> None:
    shipped = {path.name for path in (ROOT / "policies").glob("*.yaml") if not path.name.endswith(".cases.yaml")}
    page = (ROOT / "docs" / "policy.md").read_text()
    assert {name for name in shipped if f"`policies/{name}`" not in page} == set()


def test_all_kinds_of_block_were_found() -> None:
    assert len(COMPLETE) >= 2
    assert len(SECTIONS) >= 5
    assert CASES
