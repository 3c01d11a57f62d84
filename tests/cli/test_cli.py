"""What all commands have in common."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.serving import clean_environment

from router.cli import NOBODY_READS

POLICY = """
version: 1
zones: {local: {owned: true}}
backends: {gpu: {zone: local, kind: openai, url: http://127.0.0.1:1/v1, serves: {chat: m}, cost: {usd_per_hour: 1}}}
models: {chat: {backends: [gpu]}}
"""


def unread(*arguments: str, unbuffered: str = "") -> tuple[int, str]:
    """Exit status and words on standard error of a command whose standard output nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        command = [sys.executable, "-m", "router", *arguments]
        environment = clean_environment({"PYTHONUNBUFFERED": unbuffered})
        done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, env=environment, timeout=60)
    finally:
        os.close(writer)
    return done.returncode, done.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["export", "--help"]], ids=" ".join)
def test_help_that_nobody_reads_ends_quietly(arguments: list[str]) -> None:
    assert unread(*arguments) == (NOBODY_READS, "")


@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["at its end", "at once"])
def test_a_command_that_nobody_reads_ends_quietly(tmp_path: Path, unbuffered: str) -> None:
    policy, request = tmp_path / "policy.yaml", tmp_path / "request.json"
    policy.write_text(POLICY)
    request.write_text('{"model": "chat", "messages": []}')
    explain = ("explain", "--policy", str(policy), "--request", str(request))
    for arguments in (("schema",), ("check", str(policy)), explain, (*explain, "--json")):
        assert unread(*arguments, unbuffered=unbuffered) == (NOBODY_READS, ""), arguments


def test_a_gateway_whose_greeting_nobody_reads_ends_without_a_traceback(tmp_path: Path) -> None:
    ports = ("--port", "0", "--admin-port", "0")
    status, told = unread("serve", "--data-dir", str(tmp_path), *ports)
    assert status == NOBODY_READS and "Traceback" not in told
