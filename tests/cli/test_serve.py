"""What `breakeven serve` refuses to begin with: a clear message, and exit code 1."""

from __future__ import annotations

import os
import socket

import pytest
from support.serving import Serving, refused

from router.cli import main

POLICY = """
version: 1
zones: {local: {owned: true}, cloud: {}}
backends:
  gpu: {zone: local, kind: vllm, url: "http://127.0.0.1:9/v1", serves: {chat: m}}
  api: {zone: cloud, kind: openai, url: "http://127.0.0.1:9/v1", serves: {chat: gpt-4o-mini}}
models: {chat: {backends: [gpu, api]}}
"""


@pytest.fixture
def policy(tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)
    return path


@pytest.fixture
def refuse(tmp_path):
    """`refuse(*arguments)` gives the one thing that is printed: the message."""

    def run(*arguments: str, **options) -> str:
        code, out, error = refused(tmp_path / "data", "--port", "0", *arguments, **options)
        assert (code, out) == (1, ""), error
        assert "Traceback" not in error
        return error

    return run


def test_a_port_that_is_in_use(refuse):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        error = refuse("--port", str(port))
    assert error == f"port {port} on 127.0.0.1 is in use: stop what listens there, or choose another with --port\n"


def test_an_address_that_is_not_this_machine(refuse):
    assert refuse("--host", "192.0.2.1").startswith("cannot listen on 192.0.2.1:0: ")
    assert refuse("--host", "no such host").startswith("cannot listen on no such host:0: ")


def test_a_broken_policy_with_all_that_is_wrong(refuse, policy):
    broken = POLICY.replace("zone: local", "zone: locale").replace("backends: [gpu, api]", "backends: [gpu, apo]")
    policy.write_text(broken + "cost: {strategy: cheap}\n")
    lines = refuse("--policy", str(policy)).splitlines()
    places = [line.removeprefix(f"{policy}:").split(": ")[:2] for line in lines]
    fields = ["backends.gpu.zone", "models.chat.backends[1]", "cost.strategy"]
    assert [(int(place.split(":")[0]), field) for place, field in places] == list(zip((5, 7, 8), fields, strict=True))
    assert 'did you mean "local"?' in lines[0]


def test_a_policy_that_is_not_there(refuse, tmp_path):
    path = tmp_path / "nowhere.yaml"
    assert refuse("--policy", str(path)) == f"{path}: cannot be read: No such file or directory\n"


def test_no_keys_on_an_address_that_others_reach(refuse, policy):
    error = refuse("--policy", str(policy), "--host", "0.0.0.0")
    assert error.startswith("the policy has no keys, so anybody who reaches 0.0.0.0 could spend your money: add a key")


def test_a_secret_that_is_not_set(refuse, policy):
    bound = "secrets: {NOT_SET_ANYWHERE: [127.0.0.1]}\n"
    policy.write_text(POLICY.replace("kind: openai,", "kind: openai, api_key: env:NOT_SET_ANYWHERE,") + bound)
    error = refuse("--policy", str(policy))
    assert error.startswith(f"{policy}:6:") and "backends.api.api_key" in error and "NOT_SET_ANYWHERE" in error


def test_a_data_directory_that_is_in_use(refuse, tmp_path, policy):
    """Not even its default policy may be overwritten."""
    first = Serving(tmp_path / "data").start()
    before = (tmp_path / "data/default-policy.yaml").read_text()
    try:
        for arguments in ((), ("--policy", str(policy), "--redis", "redis://127.0.0.1:1")):
            assert refuse(*arguments) == (
                f"the data directory {tmp_path / 'data'} is in use by another Breakeven; stop that one, "
                "or give this one a directory of its own with --data-dir\n"
            )
        assert (tmp_path / "data/default-policy.yaml").read_text() == before
        assert first.ask().status == 200
    finally:
        assert first.stop() == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_data_directory_that_cannot_be_written(refuse, tmp_path):
    (tmp_path / "data").mkdir(mode=0o500)
    assert "cannot be used: Permission denied; name another with --data-dir" in refuse()


def test_a_data_directory_that_is_a_file(refuse, tmp_path):
    (tmp_path / "data").write_text("")
    assert refuse() == f"the data directory {tmp_path / 'data'} is a file; name a folder with --data-dir\n"


def test_an_address_of_the_ledger_that_makes_no_sense(refuse):
    error = refuse("--redis", "http://:the-password@127.0.0.1")
    assert error.startswith("--redis: the ledger's URL begins with redis://")
    assert "the-password" not in error


def test_a_vllm_that_does_not_answer_has_no_model_to_serve(refuse):
    error = refuse(environment={"VLLM_BASE_URL": "http://127.0.0.1:1/v1"})
    assert error.startswith("http://127.0.0.1:1/v1/models does not answer") and "VLLM_MODEL" in error


@pytest.mark.parametrize(
    "arguments",
    [("--workers", "0"), ("--port", "70000"), ("--port", "http"), ("--grace", "-1"), ("--grace", "nan")],
)
def test_a_command_line_that_makes_no_sense(capsys, arguments):
    with pytest.raises(SystemExit) as ended:
        main(["serve", *arguments])
    assert ended.value.code == 2
    assert f"argument {arguments[0]}" in capsys.readouterr().err


def test_a_certificate_that_cannot_be_used(refuse, tmp_path):
    assert refuse("--tls-cert", "a.pem").startswith("--tls-cert needs --tls-key beside it")
    missing = str(tmp_path / "none.pem")
    error = refuse("--tls-key", missing, environment={"BREAKEVEN_TLS_CERT": missing})
    assert error == f"--tls-cert: {missing} cannot be read: No such file or directory\n"
