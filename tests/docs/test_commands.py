"""Every command line in the documentation is one that the program and the Makefile have."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from functools import cache

import pytest

from tests.docs.markdown import ROOT, blocks, commands, prose

KEYS = {"key new", "key import", "key list", "key edit", "key revoke", "key rotate"}
TEAMS = {"team list", "team new", "team edit", "team remove"}
LEDGER = {"ledger verify", "ledger reconcile"}
AUDIT = {"audit list", "audit verify", "audit export", "audit anchor", "audit show"}
COMMANDS = {"serve", "demo", "check", "schema", "explain", "usage", "budgets", "power", "export", "simulate", "size"}
COMMANDS |= {"completion", "import litellm"}
COMMANDS |= LEDGER | AUDIT | KEYS | TEAMS
LINES = commands()


@cache
def usage(command: str) -> str:
    """What the command's --help says."""
    arguments = [sys.executable, "-m", "router", *command.split(), "--help"]
    return subprocess.run(arguments, cwd=ROOT, check=True, capture_output=True, text=True, timeout=60).stdout


def _name(words: list[str]) -> str:
    return next((command for command in COMMANDS if words[: len(command.split())] == command.split()), words[0])


@pytest.mark.parametrize(("place", "line"), LINES, ids=[f"{place} {line}" for place, line in LINES])
def test_a_command_line_exists_with_its_options(place: str, line: str) -> None:
    words = shlex.split(line)
    assert _name(words) in COMMANDS
    accepted = set(re.findall(r"--[a-z-]+", usage(_name(words))))
    assert {word.partition("=")[0] for word in words if word.startswith("--")} <= accepted


def _documented_options(command: str) -> set[str]:
    """Options in the table of the command's section in docs/commands.md."""
    sections = (ROOT / "docs" / "commands.md").read_text().split("\n## ")
    section = next(section for section in sections if section.startswith(f"`breakeven {command}`"))
    return set(re.findall(r"^\| `(--[a-z-]+)", section, re.MULTILINE))


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_a_command_is_documented_with_the_options_that_it_has(command: str) -> None:
    assert f"`breakeven {command}" in (ROOT / "README.md").read_text()
    assert _documented_options(command) == set(re.findall(r"--[a-z-]+", usage(command))) - {"--help"}


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = {name for line in re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE) for name in line.split()}
    text = prose() + "".join(block.text for block in blocks("sh"))
    mentioned = set(re.findall(r"(?:^|`)make (?:-C \S+ )?([a-z]+)", text, re.MULTILINE))
    assert mentioned <= targets
    assert {"run", "test"} <= mentioned


def test_the_contributors_guide_explains_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[0].split()
    guide = (ROOT / "CONTRIBUTING.md").read_text()
    assert [target for target in targets if f"`make {target}`" not in guide] == []


def test_the_makefile_has_at_most_thirteen_targets_that_people_type() -> None:
    assert len(re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[0].split()) <= 13


def test_environments_exist_and_the_contributors_guide_names_every_one() -> None:
    script = (ROOT / "scripts" / "environment.sh").read_text()
    names = set(re.findall(r"^      ([a-z-]+)\) ", script, re.MULTILINE))
    text = prose() + "".join(block.text for block in blocks("sh"))
    mentioned = {name for line in re.findall(r"scripts/environment\.sh((?: [a-z-]+)+)", text) for name in line.split()}
    assert {"run", "compiled", "adapter"} <= mentioned <= names
    guide = (ROOT / "CONTRIBUTING.md").read_text()
    assert [name for name in names if f"| `{name}` |" not in guide] == []
