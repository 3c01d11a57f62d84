"""`breakeven completion`, in the shells that it is for."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.serving import STARTS_WITHIN

from router.cli import COMMANDS, main, whole_parser
from router.cli.completion import FILES, FOLDERS, SHELLS, _actions

TYPED = {
    "breakeven sche": "schema",
    "breakeven key rev": "key revoke",
    "breakeven export --form": "export --format",
    "breakeven export --format foc": "export --format focus",
    "breakeven ledger reconcile --tolerance-": "ledger reconcile --tolerance-usd",
    "breakeven check pol": "check policy.yaml",
    "breakeven explain --policy pol": "explain --policy policy.yaml",
    "breakeven usage --data-dir fold": "usage --data-dir folder",
    "breakeven completion fi": "completion fish",
}
"""What somebody types before the tab key, and what becomes of it."""


@pytest.fixture
def folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """With something to complete, and the script for each shell."""
    (tmp_path / "policy.yaml").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "scripts").mkdir()
    for shell in SHELLS:
        assert main(["completion", shell]) == 0
        name = "_breakeven" if shell == "zsh" else f"breakeven.{shell}"
        (tmp_path / "scripts" / name).write_text(capsys.readouterr().out)
    return tmp_path


class Terminal:
    """A shell that believes that somebody sits before it."""

    def __init__(self, command: list[str], folder: Path) -> None:
        self._terminal, inner = pty.openpty()
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "TERM": "dumb", "LC_ALL": "C.UTF-8"}
        self._shell = subprocess.Popen(
            command, stdin=inner, stdout=inner, stderr=inner, cwd=folder, env=environment, start_new_session=True
        )
        os.close(inner)
        self._seen = ""

    def type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def line_with(self, mark: str) -> str:
        """What stands behind the mark on the next line that has it."""
        give_up = time.monotonic() + STARTS_WITHIN
        while f"\n{mark}" not in self._seen or "\n" not in self._seen.partition(f"\n{mark}")[2]:
            assert time.monotonic() < give_up, self._seen
            if select.select([self._terminal], [], [], 0.1)[0]:
                self._seen += os.read(self._terminal, 65536).decode(errors="replace").replace("\r", "")
        line, _, self._seen = self._seen.partition(f"\n{mark}")[2].partition("\n")
        self._seen = f"\n{self._seen}"
        return line

    def close(self) -> None:
        self._shell.kill()
        self._shell.wait()
        os.close(self._terminal)


STARTS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], "source scripts/breakeven.bash"),
    "zsh": (["zsh", "-f", "-i"], "unsetopt prompt_sp; fpath=($PWD/scripts $fpath); autoload -U compinit; compinit -u"),
}


@contextlib.contextmanager
def terminal(shell: str, folder: Path) -> Iterator[Terminal]:
    command, prepared = STARTS[shell]
    opened = Terminal(command, folder)
    try:
        opened.type(f'{prepared}; breakeven() {{ echo; echo "ran: $*"; }}; echo; echo ready:\n')
        opened.line_with("ready:")
        yield opened
    finally:
        opened.close()


@pytest.mark.parametrize("shell", STARTS)
def test_the_tab_key_completes(shell: str, folder: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"needs {shell}")
    with terminal(shell, folder) as opened:
        for typed, becomes in TYPED.items():
            opened.type(f"{typed}\t\n")
            assert opened.line_with("ran: ").rstrip(" /") == becomes


@pytest.mark.skipif(shutil.which("fish") is None, reason="needs fish")
def test_fish_completes(folder: Path) -> None:
    asked = "".join(f'echo "> {typed}"; complete -C "{typed}"; ' for typed in TYPED)
    script = f"source scripts/breakeven.fish; {asked}"
    done = subprocess.run(
        ["fish", "--no-config", "-c", script], cwd=folder, capture_output=True, text=True, check=True, timeout=100
    )
    answers = dict(each.split("\n", 1) for each in done.stdout.split("> ")[1:])
    for typed, becomes in TYPED.items():
        offered = [line.partition("\t")[0].rstrip("/") for line in answers[typed].splitlines()]
        assert becomes.split()[-1] in offered, typed


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_knows_every_command_and_every_option(shell: str, folder: Path) -> None:
    script = next((folder / "scripts").glob("_*" if shell == "zsh" else f"*.{shell}")).read_text()
    assert [name for name in COMMANDS if name not in script] == []
    options = {option for action in _actions(whole_parser()) for option in action.option_strings}
    assert len(options) > 60
    assert [option for option in options if option.lstrip("-") not in script] == []


def test_whatever_is_called_a_file_or_a_folder_is_completed_as_one() -> None:
    """Words that nobody uses any more are no longer needed."""
    used = {action.metavar for action in _actions(whole_parser()) if isinstance(action.metavar, str)}
    assert used >= FILES | FOLDERS
    looks_like_one = {name for name in used if "file" in name.lower() or "." in name or "dir" in name.lower()}
    assert looks_like_one <= FILES | FOLDERS


def test_a_shell_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["completion", "cmd"])
    assert ended.value.code == 2 and "bash" in capsys.readouterr().err
