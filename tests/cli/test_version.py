"""`breakeven --version`."""

from __future__ import annotations

import platform
import re
from importlib.metadata import version
from pathlib import Path

import pytest

from router.cli import main
from router.cli.version import line


def test_it_is_one_line_and_names_the_release_and_the_python(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    told = capsys.readouterr().out
    assert ended.value.code == 0
    assert re.fullmatch(r"breakeven \S+ \(\w+ \S+, (compiled|interpreted)\)\n", told)
    assert f" {version('breakeven')} " in told and f" {platform.python_version()}, " in told


@pytest.mark.parametrize(
    ("name", "how"), [("decide.py", "interpreted"), ("decide.cpython-311-x86_64-linux-gnu.so", "compiled")]
)
def test_compiled_is_what_comes_from_no_source(tmp_path: Path, name: str, how: str) -> None:
    assert line("1.2.3", str(tmp_path / name)).endswith(f", {how})")
