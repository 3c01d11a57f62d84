"""What the documentation's tests read out of Markdown."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "deploy").glob("*.md")])
_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*)[^\n]*\n(?P<text>.*?)^ *```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One fenced block: where it stands, and its text without the indentation of the fence."""

    place: str
    language: str
    text: str


def blocks(*languages: str) -> list[Block]:
    """Fenced blocks in these languages, of all documents."""
    return [block for path in DOCUMENTS for block in _blocks_of(path) if block.language in languages]


def _blocks_of(path: Path) -> list[Block]:
    text = path.read_text()
    return [_block(path, text, match) for match in _FENCE.finditer(text)]


def _block(path: Path, text: str, match: re.Match[str]) -> Block:
    line = text.count("\n", 0, match.start()) + 1
    body = re.sub(rf"^{match['indent']}", "", match["text"], flags=re.MULTILINE)
    return Block(f"{path.relative_to(ROOT)}:{line}", match["language"], body)


def commands() -> list[tuple[str, str]]:
    """Every `breakeven …` command line in the documents, with its place; continuation lines are joined."""
    found = []
    for block in blocks("sh", "console"):
        for line in block.text.replace("\\\n", " ").splitlines():
            match = re.search(r"(?:^|\s|bin/)breakeven (?P<arguments>[a-z](?:\"[^\"]*\"|[^|>&#])*)", line)
            if match:
                found.append((block.place, match["arguments"].strip()))
    return found


def prose() -> str:
    """The text of all documents outside of fenced blocks."""
    return "\n".join(_FENCE.sub("", path.read_text()) for path in DOCUMENTS)


def links() -> list[tuple[Path, str]]:
    """Relative links, each with the document that has it; without the part after #."""
    found = []
    for path in DOCUMENTS:
        targets = re.findall(r"\]\(([^)\s]+)\)", _FENCE.sub("", path.read_text()))
        found += [(path, target.partition("#")[0]) for target in targets if not re.match(r"\w+:|#", target)]
    return found
