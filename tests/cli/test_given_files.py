"""Whatever a command line names that cannot be had, by every command: a sentence, no error numbers, and no waiting."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.serving import clean_environment, is_setting

from router.cli import main, whole_parser
from router.cli.completion import FILES, FOLDERS, _actions
from router.cli.given_files import check_writable, refuse_pipe, said

POLICY = """\
version: 1
zones: {local: {owned: true}}
backends: {gpu: {zone: local, kind: openai, url: http://127.0.0.1:1/v1, serves: {chat: m}, cost: {usd_per_hour: 1}}}
models: {chat: {backends: [gpu]}}
"""
NO_LEDGER = ("--redis", "redis://127.0.0.1:1")
READ = {
    ("check", "files"): ("check", "@"),
    ("explain", "policy"): ("explain", "--policy", "@"),
    ("explain", "request"): ("explain", "--policy", "policy.yaml", "--request", "@"),
    ("simulate", "requests"): ("simulate", "@", "--policy", "policy.yaml"),
    ("simulate", "policy"): ("simulate", "requests.jsonl", "--policy", "@"),
    ("simulate", "against"): ("simulate", "requests.jsonl", "--policy", "policy.yaml", "--against", "@"),
    ("simulate", "fit"): ("simulate", "requests.jsonl", "--policy", "policy.yaml", "--fit", "@"),
    ("budgets", "policy"): ("budgets", "--policy", "@"),
    ("import litellm", "config"): ("import", "litellm", "@"),
    ("key import", "file"): ("key", "import", "@", *NO_LEDGER),
    ("size", "records"): ("size", "--records", "@"),
    ("size", "model"): ("size", "./@"),
    ("ledger reconcile", "invoice"): ("ledger", "reconcile", "@"),
    ("serve", "tls_cert"): ("serve", "--data-dir", "new", "--tls-cert", "@", "--tls-key", "@"),
    ("serve", "tls_key"): ("serve", "--data-dir", "new", "--tls-cert", "chain.pem", "--tls-key", "@"),
    ("serve", "admin_token_file"): ("serve", "--data-dir", "new", "--admin-token-file", "@"),
    ("serve", "viewer_token_file"): ("serve", "--data-dir", "new", "--viewer-token-file", "@"),
    ("serve", "oidc_file"): ("serve", "--data-dir", "new", "--oidc-file", "@"),
}
"""By command and argument, how a file is named that is read."""
ELSEWHERE = {
    ("serve", "policy"): "tests/cli/test_serve.py and tests/app: it begins with the last good one instead",
    ("usage", "policy"): "tests/cli/test_usage.py: needs a ledger first",
    ("ledger reconcile", "policy"): "tests/cli/test_ledger_reconcile.py: needs an export first",
    **{
        (command, "policy"): "tests/cli/test_stored_keys.py: needs a ledger first"
        for command in ("key new", "key edit", "key import", "key rotate", "team new", "team edit")
    },
    ("simulate", "html"): "is written",
    ("audit verify", "records"): "tests/cli/test_audit_verify.py: needs a chain first",
    ("audit list", "file"): "tests/cli/test_audit_list.py: shows what is there, damaged or not",
    ("audit verify", "file"): "tests/cli/test_audit_verify.py: tells what is damaged",
    ("audit export", "file"): "tests/cli/test_audit_export.py: copies what is there, damaged or not",
    ("audit anchor", "file"): "tests/cli/test_audit_anchor.py: refuses what is not whole",
    ("export", "output"): "is written",
    ("audit export", "output"): "is written",
    ("import litellm", "output"): "is written",
}
FOLDERS_OF = (
    "usage",
    "budgets --policy policy.yaml",
    "power",
    "export",
    "ledger verify",
    "key list",
    "team list",
    "key new app --store",
    "audit list",
    "audit verify",
    "audit export",
    "audit anchor",
    "audit show 1",
)
"""Commands that look for a ledger in a folder."""
REFUSED = (
    *("missing", "folder", "pipe", "bytes", "empty", "broken"),
    pytest.param("locked", marks=pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")),
)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with everything in it that a command line should not name."""
    monkeypatch.chdir(tmp_path)
    for name in filter(is_setting, list(os.environ)):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    Path("policy.yaml").write_text(POLICY)
    Path("requests.jsonl").write_text("")
    Path("chain.pem").write_text("-----BEGIN CERTIFICATE-----")
    Path("folder").mkdir()
    os.mkfifo("pipe")
    Path("bytes").write_bytes(b"\xff\xfe\x00\n")
    Path("empty").touch()
    Path("broken").symlink_to("/proc/self/mem")  # can be opened, and not read
    Path("locked").write_text(POLICY)
    Path("locked").chmod(0)
    return tmp_path


def status(arguments: tuple[str, ...]) -> int:
    try:
        return main(arguments)
    except SystemExit as ended:
        assert isinstance(ended.code, int)
        return ended.code


def plainly(told: str) -> bool:
    """No words of Python's, and no number of the system's."""
    return bool(told.strip()) and not re.search(r"Traceback|Errno|Error\b|Exception|\('|<\w+ ", told)


@pytest.mark.parametrize("refused", REFUSED)
@pytest.mark.parametrize("named", READ, ids=" ".join)
def test_a_file_that_cannot_be_read_is_named_and_said_why(
    named: tuple[str, str], refused: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = tuple(word.replace("@", refused) for word in READ[named])
    assert status(arguments) in (1, 2)
    seen = capsys.readouterr()
    assert seen.out == ""
    assert refused in seen.err and plainly(seen.err), seen.err


@pytest.mark.parametrize("command", sorted({command for (command, _), why in ELSEWHERE.items() if why == "is written"}))
def test_whatever_writes_a_file_replaces_one_only_when_it_is_told_to(command: str) -> None:
    parser = whole_parser()
    for word in command.split():
        (inner,) = (each for each in parser._actions if isinstance(each, argparse._SubParsersAction))
        parser = inner.choices[word]
    assert "--force" in parser._option_string_actions


def test_a_file_that_is_there_is_lost_only_by_force(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    check_writable(str(file), force=False)
    file.touch()
    with pytest.raises(FileExistsError, match="name a new file, or replace this one with --force"):
        check_writable(str(file), force=False)
    check_writable(str(file), force=True)
    for device in (None, "/dev/null"):
        check_writable(device, force=False)


@pytest.mark.parametrize("written", ["folder", "none/report"])
@pytest.mark.parametrize(
    "command",
    ["simulate requests.jsonl --policy policy.yaml --html @", "import litellm config.yaml --output @"],
)
def test_a_file_that_cannot_be_written_is_said_before_work_is_done(
    command: str, written: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("requests.jsonl").write_text("TIMESTAMP,ContextTokens,GeneratedTokens\n2026-11-01 00:00:00,9,9\n")
    assert status(tuple(command.replace("@", written).split())) == 1
    told = capsys.readouterr().err
    assert written in told and plainly(told), told


@pytest.mark.parametrize("refused", ["missing", "folder", "empty", "pipe"])
@pytest.mark.parametrize("command", FOLDERS_OF)
def test_a_folder_without_a_ledger_is_named(
    command: str, refused: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if command.startswith("key new") and refused in ("missing", "folder"):
        refused = "empty"  # it would make the others
    assert status((*command.split(), "--data-dir", refused)) in (1, 2)
    told = capsys.readouterr().err
    assert refused in told and plainly(told), told


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("redis://127.0.0.1:1", "127.0.0.1:1: Connection refused"),
        ("redis://nowhere.invalid", "nowhere.invalid:6379: "),
        ("nonsense", "redis://"),
        ("redis://127.0.0.1:99999", "0 to 65535"),
    ],
)
@pytest.mark.parametrize("command", FOLDERS_OF)
def test_an_address_that_leads_nowhere_is_told(
    command: str, address: str, says: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status((*command.split(), "--redis", address)) in (1, 2)
    told = capsys.readouterr().err
    assert says in told and plainly(told), told


@pytest.mark.parametrize("command", ["check policy.yaml", "explain --policy policy.yaml", "size"])
def test_a_command_that_can_do_without_a_ledger_refuses_only_what_is_no_address(
    command: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status((*command.split(), *NO_LEDGER)) == 0
    capsys.readouterr()
    assert status((*command.split(), "--redis", "nonsense")) == 2
    told = capsys.readouterr().err
    assert "redis://" in told and plainly(told), told


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("command", ["schema", "--version", "check policy.yaml", "explain --policy policy.yaml"])
def test_a_disk_that_is_full_is_told_once(command: str, here: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "router", *command.split()],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=clean_environment(),
            timeout=100,
        )
    assert (done.returncode, done.stderr) == (1, "breakeven: no space left on device\n")


@pytest.mark.parametrize("command", ["schema", "check policy.yaml", "explain --policy policy.yaml", "--help"])
def test_nothing_is_coloured_where_nobody_looks(
    command: str, here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    status(tuple(command.split()))
    seen = capsys.readouterr()
    assert "\x1b" not in seen.out + seen.err


def test_what_is_open_already_is_no_pipe_to_wait_for(here: Path) -> None:
    reader, writer = os.pipe()
    try:
        refuse_pipe(f"/dev/fd/{reader}")
    finally:
        os.close(reader)
        os.close(writer)
    with pytest.raises(OSError, match="named pipe") as refused:
        refuse_pipe("pipe")
    assert said(refused.value).startswith("pipe: it is a named pipe")


@pytest.mark.parametrize("path", [None, "", "missing", "empty", "folder"])
def test_what_is_no_pipe_is_left_to_whoever_reads_it(path: str | None, here: Path) -> None:
    refuse_pipe(path)


def _files(parser: argparse.ArgumentParser, command: str = "") -> Iterator[tuple[str, str]]:
    """Command and argument, of every file that a command line may name."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, each in action.choices.items():
                yield from _files(each, f"{command} {name}".strip())
        elif action.metavar in FILES:
            yield command, action.dest


def test_no_file_is_left_out() -> None:
    assert set(_files(whole_parser())) == READ.keys() | ELSEWHERE.keys()


def test_no_folder_is_left_out() -> None:
    named = [action for action in _actions(whole_parser()) if action.metavar in FOLDERS]
    # With check, explain, size, serve, demo, and the other actions of key, team and ledger.
    assert len(named) == len(FOLDERS_OF) + 13
