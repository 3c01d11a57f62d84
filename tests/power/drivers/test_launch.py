from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from support import fake_vllm

import router
from router.core.power.policy import Launch
from router.power.drivers.driver import DriverError
from router.power.drivers.launch import command_of, environment_of, program_of


def launch(**fields: Any) -> Launch:
    return Launch.model_validate({"model": "org/model"} | fields)


def test_what_the_policy_says_becomes_vllms_own_arguments() -> None:
    given = launch(
        quantization="awq",
        gpu_memory_utilization=0.9,
        max_model_len=4096,
        dtype="half",
        tensor_parallel_size=2,
        args=["--enable-prefix-caching"],
    )
    assert command_of(given, "/v/bin/vllm", "http://[::1]:8001/v1", ("chat", "small")) == (
        *("/v/bin/vllm", "serve", "org/model", "--host", "::1", "--port", "8001"),
        *("--served-model-name", "chat", "small", "--quantization", "awq", "--gpu-memory-utilization", "0.9"),
        *("--max-model-len", "4096", "--dtype", "half", "--tensor-parallel-size", "2", "--enable-prefix-caching"),
    )


def test_the_python_beside_it_serves_by_the_module(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.symlink_to(sys.executable)
    command = command_of(launch(), str(tmp_path / "vllm"), "http://127.0.0.1:8000/v1", ("m",))
    assert command[:5] == (str(python), "-m", "vllm.entrypoints.openai.api_server", "--model", "org/model")


def test_what_it_does_not_say_is_left_to_vllm() -> None:
    command = command_of(launch(), "vllm", "http://127.0.0.1:8000/v1", ("m",))
    assert command[2:] == ("org/model", "--host", "127.0.0.1", "--port", "8000", "--served-model-name", "m")


def test_a_folder_may_be_told_from_where_the_gateway_was_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for given, meant in (("./m", f"{tmp_path}/m"), ("org/m", "org/m"), ("/m", "/m")):
        assert command_of(launch(model=given), "vllm", "http://127.0.0.1:8000/v1", ("m",))[2] == meant


def test_the_environment_is_of_the_program_and_of_the_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin")
    monkeypatch.setenv("VLLM_API_KEY", "of another one")
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", "4")
    made = environment_of({"VLLM_NO_USAGE_STATS": "0", "A": "b"}, "", "/v/bin/vllm")
    assert made["PATH"] == "/v/bin:/usr/bin" and made["VLLM_CPU_KVCACHE_SPACE"] == "4"
    assert made["VLLM_NO_USAGE_STATS"] == "0" and made["A"] == "b" and "VLLM_API_KEY" not in made
    assert environment_of({}, "key", "/v/bin/vllm")["VLLM_API_KEY"] == "key"


def test_vllm_is_found_where_it_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the environment of `launch.python`; else in that of `make local`, beside our Python, on the path."""
    named, tree, own, path = (tmp_path / name for name in ("named/bin", "tree/.venv-local/bin", "own/bin", "path"))
    monkeypatch.setattr(router, "__file__", str(tmp_path / "tree" / "router" / "__init__.py"))
    monkeypatch.setattr(sys, "executable", str(own / "python"))
    monkeypatch.setenv("PATH", str(path))
    with pytest.raises(DriverError, match="vLLM is not installed: run `make local`"):
        program_of(launch())
    for folder in (path, own, tree):
        fake_vllm.installed_in(folder)
        assert program_of(launch()) == str(folder / "vllm")
    python = fake_vllm.installed_in(named)
    assert program_of(launch(python=str(python))) == str(named / "vllm")
    (named / "vllm").chmod(0o600)
    with pytest.raises(DriverError, match="is not there"):
        program_of(launch(python=str(python)))
