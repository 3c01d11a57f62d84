from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from router.config.load import PolicyError, load
from router.config.secrets import MissingSecretError, Secret, find_missing, resolve
from router.core.policy import Policy


@pytest.mark.parametrize("show", [str, repr, "{}".format, "{:>40}".format, lambda secret: f"{[secret]}"])
def test_a_secret_does_not_show_itself(show: object) -> None:
    assert callable(show)
    assert "hunter2" not in show(Secret("hunter2"))


def test_a_secret_is_revealed_only_when_asked() -> None:
    assert Secret("hunter2").reveal() == "hunter2"
    assert not hasattr(Secret("hunter2"), "__dict__")
    with pytest.raises(TypeError):
        pickle.dumps(Secret("hunter2"))


def test_from_the_environment() -> None:
    assert resolve("env:KEY", {"KEY": "hunter2"}).reveal() == "hunter2"


def test_from_a_file_without_its_line_end(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("hunter2\n")
    assert resolve(f"file:{tmp_path}/key").reveal() == "hunter2"


@pytest.mark.parametrize("environment", [{}, {"KEY": ""}, {"KEY": " \n"}])
def test_missing_from_the_environment(environment: dict[str, str]) -> None:
    with pytest.raises(MissingSecretError, match="env:KEY is not set or empty: set the environment variable KEY"):
        resolve("env:KEY", environment)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(MissingSecretError, match="is not set or empty: write the secret to"):
        resolve(f"file:{tmp_path}/key")


def test_unreadable_file(tmp_path: Path) -> None:
    with pytest.raises(MissingSecretError, match="cannot be read: Is a directory"):
        resolve(f"file:{tmp_path}")
    (tmp_path / "key").write_bytes(b"\xff\xfe")
    with pytest.raises(MissingSecretError, match="cannot be read: it is not text"):
        resolve(f"file:{tmp_path}/key")


@pytest.mark.parametrize("value", ["hunter2\nhunter3", "hünter2", "hunter2\x00"])
def test_what_no_header_can_carry_is_refused_without_being_shown(value: str) -> None:
    with pytest.raises(MissingSecretError) as caught:
        resolve("env:KEY", {"KEY": value})
    assert "nter2" not in str(caught.value)


def test_a_policy_loads_without_its_secrets_unless_they_are_asked_for(
    base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(base)
    assert load(path).levels
    with pytest.raises(PolicyError) as caught:
        load(path, with_secrets=True)
    assert str(caught.value) == (
        f"{path}:16:14: backends.openai.api_key: env:OPENAI_API_KEY is not set or empty: "
        "set the environment variable OPENAI_API_KEY"
    )
    monkeypatch.setenv("OPENAI_API_KEY", "hunter2")
    assert load(path, with_secrets=True).levels


def test_secrets_of_what_drivers_run_are_looked_for_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_abc")
    vllm = {"zone": "local", "kind": "vllm", "url": "http://127.0.0.1:8000/v1", "serves": {"chat": "m"}}
    env = {"HF_TOKEN": "env:HF_TOKEN", "MISSING": "env:MISSING_TOKEN", "PLAIN": "1"}
    launched = {"driver": "process", "launch": {"model": "m", "env": env}}
    commanded = {"driver": "command", "env": env} | {key: {"run": ["x"]} for key in ("start", "stop", "look")}
    backends = {
        "gpu": vllm | {"power": launched},
        "far": vllm | {"power": commanded},
        "asleep": vllm | {"power": {"driver": "sleep"}},
    }
    policy = {"version": 1, "zones": {"local": {"owned": True}}, "models": {"chat": {"backends": ["gpu"]}}}
    found = find_missing(Policy.model_validate(policy | {"backends": backends}))
    assert [finding.path for finding in found] == [
        ("backends", "gpu", "power", "launch", "env", "MISSING"),
        ("backends", "far", "power", "env", "MISSING"),
    ]
