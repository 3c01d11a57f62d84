"""`breakeven import litellm`."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.cli import main
from tests.config.litellm_config.conftest import ENTERPRISE, SECRETS, STARTUP


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("config.yaml").write_text(STARTUP)
    return Path("config.yaml")


def test_a_policy_is_printed_that_check_passes(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", "litellm", "config.yaml"]) == 0
    seen = capsys.readouterr()
    assert seen.err == "2 models and 2 backends were carried over.\n"
    Path("policy.yaml").write_text(seen.out)
    assert main(["check", "policy.yaml"]) == 0


def test_a_policy_is_written(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", "litellm", "config.yaml", "--output", "policy.yaml"]) == 0
    seen = capsys.readouterr()
    assert seen.out == "" and "breakeven check policy.yaml passes." in seen.err
    assert main(["check", "policy.yaml"]) == 0


def test_nobodys_policy_is_replaced(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("policy.yaml").write_text("mine")
    assert main(["import", "litellm", "config.yaml", "--output", "policy.yaml"]) == 1
    assert (
        capsys.readouterr().err == "policy.yaml: is there already: name a new file, or replace this one with --force\n"
    )
    assert Path("policy.yaml").read_text() == "mine"
    assert main(["import", "litellm", "config.yaml", "--output", "policy.yaml", "--force"]) == 0
    assert main(["check", "policy.yaml"]) == 0


def test_while_something_is_left_to_do_the_status_is_1_and_no_secret_is_shown(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text(ENTERPRISE)
    assert main(["import", "litellm", "config.yaml"]) == 1
    seen = capsys.readouterr()
    assert "things to do: look for TO DO in the policy." in seen.err
    assert [secret for secret in SECRETS if secret in seen.out + seen.err] == []


def test_what_check_would_refuse_is_told(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text("model_list: [{model_name: a, litellm_params: {model: azure/unheard}}]")
    assert main(["import", "litellm", "config.yaml"]) == 1
    assert "breakeven check does not pass it yet" in capsys.readouterr().err


def test_a_wrong_config_is_told_with_line_and_column(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text("model_list: 5")
    assert main(["import", "litellm", "config.yaml", "--output", "policy.yaml"]) == 1
    assert capsys.readouterr().err.startswith("config.yaml:1:13: model_list: here stands a list")
    assert not Path("policy.yaml").exists()
