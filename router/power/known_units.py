"""A file of this machine's own with the backends whose units it switches, as the policy had them.

A policy may be edited while no gateway runs. Whoever starts then finds in the ledger that units of a backend are on
which the policy has no more, and here how they are switched off. It is no part of the ledger: what a gateway's machine
runs is never taken from a server that others can write to.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from router.config.decode import adapter_of
from router.core.backend_kinds import Backend
from router.system.atomic_file import replace_file

log = logging.getLogger("breakeven.power")


class KnownUnits:
    """Keeps none, where there is no file."""

    def read(self) -> Mapping[str, Backend]:
        return {}

    def write(self, backends: Mapping[str, Backend]) -> None:
        pass


class KnownUnitsFile(KnownUnits):
    def __init__(self, path: Path) -> None:
        self._path = path
        self._written: Mapping[str, Backend] | None = None

    def read(self) -> Mapping[str, Backend]:
        """By name; none where it cannot be read, which is logged."""
        try:
            return adapter_of(dict[str, Backend]).validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValidationError) as error:
            log.error("backends of earlier policies not read", extra={"why": type(error).__name__})
            return {}

    def write(self, backends: Mapping[str, Backend]) -> None:
        """Nothing where the same is there already. What cannot be written is logged."""
        if backends == self._written:
            return
        try:
            replace_file(self._path, adapter_of(dict[str, Backend]).dump_json(dict(backends), exclude_unset=True))
            self._written = dict(backends)
        except OSError as error:
            log.error("backends not kept for later policies", extra={"why": error.strerror})
