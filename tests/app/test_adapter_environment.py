import sys
from pathlib import Path

import pytest

from router.app.adapter_environment import ADAPTER_PYTHON, adapter_python, untranslated


def test_the_python_is_named_or_stands_beside_ours_or_is_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ADAPTER_PYTHON, raising=False)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / ".venv"))
    assert adapter_python() == sys.executable
    beside = tmp_path / ".venv-adapter" / "bin" / "python"
    beside.parent.mkdir(parents=True)
    beside.touch()
    assert adapter_python() == str(beside)
    monkeypatch.setenv(ADAPTER_PYTHON, "/elsewhere/python")
    assert adapter_python() == "/elsewhere/python"
    assert untranslated().startswith("no adapter is installed"), "it is named, and is not there"
    monkeypatch.setenv(ADAPTER_PYTHON, str(beside))
    beside.chmod(0o755)
    assert untranslated() == ""


@pytest.mark.parametrize(("spec", "why"), [(None, "no adapter is installed"), (object(), "")])
def test_without_litellm_nothing_is_translated(
    spec: object, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(ADAPTER_PYTHON, raising=False)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / ".venv"))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: spec)
    assert untranslated().startswith(why) and bool(untranslated()) is bool(why)
