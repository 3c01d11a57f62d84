from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from router.cli import main

ROOT = Path(__file__).parents[2]
THRESHOLD = str(ROOT / "policies" / "threshold.yaml")
HEALTHCARE = str(ROOT / "policies" / "healthcare.yaml")
MIXED = str(ROOT / "policies" / "local-first-with-spill.yaml")


@pytest.fixture
def explained(capsys: pytest.CaptureFixture[str]) -> Any:
    """What `explain` says, as data."""

    def run(*arguments: str) -> Any:
        assert main(["explain", *arguments, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return run


def outcomes(data: Any) -> list[tuple[str, str, str]]:
    return [(each["backend"], each["outcome"], each["step"]) for each in data["backends"]]


def test_a_short_chat_when_no_request_is_given(explained: Any) -> None:
    data = explained("--policy", THRESHOLD)
    assert data["request"]["resolved_model"] == "chat"
    assert [backend for backend, *_ in outcomes(data)] == ["openai", "gpu"]


def test_the_days_volume_moves_it(explained: Any) -> None:
    assert outcomes(explained("--policy", THRESHOLD, "--tokens", "500000"))[0][0] == "gpu"
    assert outcomes(explained("--policy", THRESHOLD, "--tokens", "400000"))[0][0] == "openai"
    assert outcomes(explained("--policy", THRESHOLD, "--tokens", "400000", "--previous", "local"))[0][0] == "gpu"


def test_a_label_keeps_it_at_home_and_the_gate_says_so(explained: Any) -> None:
    data = explained("--policy", THRESHOLD, "--header", "X-Breakeven-Sensitivity=restricted")
    assert data["level"] == "restricted"
    assert data["permitted_zones"] == ["local"]
    assert outcomes(data) == [("gpu", "candidate", "cost order"), ("openai", "removed", "egress gate")]


def test_what_is_down_or_full(explained: Any) -> None:
    data = explained("--policy", THRESHOLD, "--down", "openai", "--full", "gpu")
    assert data["outcome"] == "wait"
    assert outcomes(data) == [("gpu", "waiting", "capacity"), ("openai", "removed", "health")]


def test_what_is_off(explained: Any) -> None:
    data = explained("--policy", THRESHOLD, "--off", "gpu", "--header", "X-Breakeven-Sensitivity=restricted")
    assert outcomes(data) == [("gpu", "waiting", "power"), ("openai", "removed", "egress gate")]


def test_without_the_ledger_nothing_is_bought(explained: Any) -> None:
    data = explained("--policy", THRESHOLD, "--ledger-lost")
    assert outcomes(data) == [("gpu", "candidate", "cost order"), ("openai", "removed", "health")]


def test_a_key_brings_its_level_and_tags(explained: Any) -> None:
    data = explained("--policy", HEALTHCARE, "--key", "ehr-app", "--header", "x-breakeven-sensitivity=general")
    assert (data["level"], data["tags"], data["request"]["team"]) == ("clinical", ["phi"], "clinical")


def test_a_rule_looks_at_the_hour(explained: Any) -> None:
    arguments = ("--policy", MIXED, "--header", "x-breakeven-tags=batch")
    assert explained(*arguments, "--hour", "3")["rule"] == "batch at night is for the GPU alone"
    assert explained(*arguments, "--hour", "6")["rule"] == ""


def test_a_request_from_a_file_or_standard_input(
    explained: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = json.dumps({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "4111 1111 1111 1111"}]})
    (tmp_path / "request.json").write_text(body)
    from_file = explained("--policy", THRESHOLD, "--request", str(tmp_path / "request.json"))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(body.encode())))
    from_input = explained("--policy", THRESHOLD, "--request", "-")
    assert from_file == from_input
    assert from_file["level"] == "restricted"


def test_backends_of_other_models_are_named(explained: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "r.json").write_text('{"model": "embed", "input": "Hello"}')
    arguments = ("--policy", MIXED, "--endpoint", "embeddings", "--request", str(tmp_path / "r.json"))
    assert explained(*arguments)["not_backends_of_the_model"] == ["gpu"]
    assert main(["explain", *arguments]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "  - gpu is not one of this model's backends"


def test_the_text_names_every_backend_with_its_step(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "--policy", THRESHOLD, "--header", "x-breakeven-sensitivity=restricted"]) == 0
    shown = capsys.readouterr().out
    assert "1. gpu" in shown
    assert "removed by egress gate" in shown
    assert "header: level restricted" in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--down", "gpus"], "the policy has no backend 'gpus'; it has: gpu, openai"),
        (["--key", "app"], "the policy has no key 'app'; it has: none"),
    ],
)
def test_names_that_the_policy_does_not_have(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", "--policy", THRESHOLD, *arguments]) == 2
    assert capsys.readouterr().err == message + "\n"


@pytest.mark.parametrize(
    "arguments", [["--header", "x"], ["--tokens", "-1"], ["--hour", "24"], ["--endpoint", "pictures"]]
)
def test_a_wrong_command_line_gives_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["explain", "--policy", THRESHOLD, *arguments])
    assert caught.value.code == 2


def test_a_broken_policy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "p.yaml").write_text("version: 2\n")
    assert main(["explain", "--policy", str(tmp_path / "p.yaml")]) == 1
    assert "version: must be 1; this is 2" in capsys.readouterr().err


def test_a_missing_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "--policy", THRESHOLD, "--request", str(tmp_path / "r.json")]) == 1
    assert "no such file" in capsys.readouterr().err


def test_a_body_that_cannot_be_decided_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "r.json").write_text('{"messages": []}')
    assert main(["explain", "--policy", THRESHOLD, "--request", str(tmp_path / "r.json")]) == 1
    assert "model" in capsys.readouterr().err
