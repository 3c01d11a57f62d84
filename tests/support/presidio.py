"""A real Presidio, where one is installed, and a small spaCy pipeline for it that knows a few names."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from router.config.presidio_environment import presidio_python

_INSTALLED = "import presidio_analyzer, spacy"
_MAKE = """
import sys, spacy
nlp = spacy.blank("en")
ruler = nlp.add_pipe("entity_ruler")
ruler.add_patterns([
    {"label": "PERSON", "pattern": "Ada Lovelace"},
    {"label": "GPE", "pattern": "Paris"},
])
nlp.to_disk(sys.argv[1])
"""


def need_presidio() -> str:
    """Its Python; skips where there is none."""
    python = presidio_python()
    if subprocess.run([python, "-c", _INSTALLED], capture_output=True, check=False).returncode:
        pytest.skip(f"Presidio is not installed for {python}: scripts/environment.sh presidio")
    return python


def small_pipeline(python: str, folder: Path) -> str:
    """Where it is: rules in the place of a model, which no package has to bring."""
    path = str(folder / "names")
    subprocess.run([python, "-c", _MAKE, path], check=True, capture_output=True)
    return path
