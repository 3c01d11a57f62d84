"""Names as they stand in fields of the ledger, which separate them by "|"."""

from __future__ import annotations


def escape_name(name: str) -> str:
    """Policies forbid "|" in names; a model's may still come from somewhere else."""
    return name.replace("%", "%25").replace("|", "%7C") if "%" in name or "|" in name else name


def unescape_name(name: str) -> str:
    return name.replace("%7C", "|").replace("%25", "%")
