"""Every policy that was in force, with when and by whom: texts by version, and an index, in the data directory."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from router.admin.policy.answers import HistoryEntry
from router.config.load import version_of
from router.system.atomic_file import replace_file

MOST_ENTRIES = 200
_VERSION = re.compile(r"[0-9a-f]{12}")


class PolicyHistory:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._index = folder / "index.json"

    def entries(self) -> list[HistoryEntry]:
        """Latest first."""
        try:
            return msgspec.json.decode(self._index.read_bytes(), type=list[HistoryEntry])
        except (OSError, msgspec.DecodeError):
            return []

    def text(self, version: str) -> bytes | None:
        """The file's content as it was; None when it is not known."""
        if not _VERSION.fullmatch(version):
            return None
        try:
            content = self._text_path(version).read_bytes()
        except OSError:
            return None
        return content if version_of(content) == version else None

    def add(self, entry: HistoryEntry, content: bytes) -> None:
        """Remember a version. Raises OSError."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(self._text_path(entry.version), content)
        kept = [entry, *self.entries()][:MOST_ENTRIES]
        replace_file(self._index, msgspec.json.encode(kept))
        self._forget_all_but({each.version for each in kept})

    def at(self, moment: float) -> str:
        """The version in force at a time; empty when that is not known."""
        return next((each.version for each in self.entries() if each.adopted and each.at <= moment), "")

    def _text_path(self, version: str) -> Path:
        return self._folder / f"{version}.yaml"

    def _forget_all_but(self, versions: set[str]) -> None:
        for path in self._folder.glob("*.yaml"):
            if path.stem not in versions:
                path.unlink(missing_ok=True)
