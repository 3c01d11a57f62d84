"""Where the adapter's Python is, and whether it can translate."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path

ADAPTER_PYTHON = "BREAKEVEN_ADAPTER_PYTHON"
"""Variable that names it."""
ADAPTER_ENVIRONMENT = ".venv-adapter"

_NONE = "no adapter is installed that would translate: pip install 'breakeven[litellm]'"


def adapter_python() -> str:
    """litellm cannot share an environment with everything, so it may have one of its own: named, or beside ours."""
    beside = Path(sys.prefix).parent / ADAPTER_ENVIRONMENT / "bin" / "python"
    return os.environ.get(ADAPTER_PYTHON) or (str(beside) if os.access(beside, os.F_OK) else sys.executable)


def untranslated() -> str:
    """Why nothing can be translated here; empty when the adapter can do it."""
    python = adapter_python()
    if python != sys.executable:  # `make run` names the one that a checkout would have
        return "" if shutil.which(python) is not None else _NONE
    return "" if importlib.util.find_spec("litellm") is not None else _NONE
