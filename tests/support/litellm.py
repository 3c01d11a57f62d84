"""Where the tests find litellm, which cannot live in their own environment."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
VARIABLE = "BREAKEVEN_ADAPTER_PYTHON"


def python_with_litellm() -> str:
    """An interpreter that has it; without one the test is skipped."""
    python = os.environ.get(VARIABLE, str(PROJECT / ".venv-adapter" / "bin" / "python"))
    check = "import importlib.util, sys; sys.exit(importlib.util.find_spec('litellm') is None)"
    try:
        found = subprocess.run([python, "-c", check], capture_output=True).returncode == 0
    except OSError:
        found = False
    if not found:
        pytest.skip(f"litellm is not importable in {python}; {VARIABLE} names another interpreter")
    return python
