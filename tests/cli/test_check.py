from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from router.app.data_dir import LAST_GOOD
from router.app.reload import keep_copy
from router.cli import main
from router.config.load import load

ROOT = Path(__file__).parents[2]
POLICIES = sorted(path for path in (ROOT / "policies").glob("*.yaml") if ".cases" not in path.name)

POLICY = """\
version: 1
zones: {local: {owned: true}}
backends:
  gpu: {zone: local, kind: vllm, url: http://127.0.0.1:8000/v1, serves: {chat: my-model}}
models:
  chat: {backends: [gpu]}
"""
CASES = """\
- name: at home
  request: {prompt: Hello}
  expect: {backend: gpu}
"""


@contextmanager
def listing_server(names: list[str]) -> Iterator[str]:
    """Answers any GET with a list of models."""

    class Lists(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"data": [{"id": name} for name in names]}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Lists)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()


@pytest.fixture
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("p.yaml").write_text(POLICY)
    return Path("p.yaml")


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.stem)
def test_the_shipped_policies_do_what_their_cases_say(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(path)]) == 0
    assert f"ok {path} (" in capsys.readouterr().out
    assert path.with_name(f"{path.stem}.cases.yaml").exists()


@pytest.mark.usefixtures("policy")
def test_without_cases(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "p.yaml"]) == 0
    assert capsys.readouterr().out == "ok p.yaml (no cases)\n"


@pytest.mark.usefixtures("policy")
def test_the_cases_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    Path("p.cases.yaml").write_text(CASES)
    assert main(["check", "p.yaml"]) == 0
    assert capsys.readouterr().out == "ok p.yaml (1 case)\n"


@pytest.mark.usefixtures("policy")
def test_a_cases_file_stands_for_its_policy_so_that_globs_work(capsys: pytest.CaptureFixture[str]) -> None:
    Path("p.cases.yaml").write_text(CASES)
    assert main(["check", "p.cases.yaml", "p.yaml"]) == 0
    assert capsys.readouterr().out == "ok p.yaml (1 case)\n"


@pytest.mark.usefixtures("policy")
def test_a_failing_case(capsys: pytest.CaptureFixture[str]) -> None:
    Path("p.cases.yaml").write_text(CASES.replace("backend: gpu", "refused: egress_denied"))
    assert main(["check", "p.yaml"]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith(
        'p.cases.yaml:3:21: [0].expect.refused: case "at home": expected refused egress_denied, got none; '
        "it goes to gpu"
    )


def test_every_file_is_checked_although_one_is_broken(policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("broken.yaml").write_text(POLICY.replace("zone: local", "zone: loca"))
    assert main(["check", "broken.yaml", "missing.yaml", str(policy)]) == 1
    shown = capsys.readouterr()
    assert shown.out == "ok p.yaml (no cases)\n"
    assert shown.err == (
        'broken.yaml:4:15: backends.gpu.zone: there is no zone "loca"; did you mean "local"? zones: local\n'
        "missing.yaml: cannot be read: No such file or directory\n"
    )


def test_a_wrong_command_line_gives_2() -> None:
    with pytest.raises(SystemExit) as caught:
        main(["check"])
    assert caught.value.code == 2


@pytest.mark.usefixtures("policy")
def test_a_policy_that_leaves_a_second_backend_no_time_is_valid_but_warned_of(
    capsys: pytest.CaptureFixture[str],
) -> None:
    two = POLICY.replace("backends: [gpu]", "backends: [gpu, more]").replace(
        "models:\n",
        "  more: {zone: local, kind: vllm, url: http://127.0.0.1:8001/v1, serves: {chat: my-model}}\nmodels:\n",
    )
    Path("p.yaml").write_text(two + "retry: {deadline: 21s}\n")
    assert main(["check", "p.yaml"]) == 0
    seen = capsys.readouterr()
    assert seen.out == "ok p.yaml (no cases)\n"
    assert seen.err.startswith("warning p.yaml: backends.gpu: connect_timeout and first_byte_timeout (22 s) leave")


def test_what_could_not_be_checked_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        "version: 1\nzones: {local: {owned: true}}\nbackends:\n  own: {zone: local, kind: vllm, gpu: L4, url:"
        " 'http://127.0.0.1:1/v1', serves: {chat: acme/secret-7b}}\nmodels: {chat: {backends: [own]}}\n"
    )
    assert main(["check", "--strict", str(policy)]) == 0
    assert "note " in (told := capsys.readouterr().out)
    assert "whether acme/secret-7b fits L4 was not checked (backends.own)" in told


@pytest.mark.usefixtures("policy")
def test_warnings_fail_where_that_was_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--strict", "p.yaml"]) == 0
    Path("p.yaml").write_text(POLICY.replace("my-model}}", "my-model}, cost: {usd_per_hour: 0.0004}}"))
    assert main(["check", "p.yaml"]) == 0
    assert main(["check", "--strict", "p.yaml"]) == 1
    seen = capsys.readouterr()
    assert seen.out == "ok p.yaml (no cases)\n" * 2
    assert (
        "cost.usd_per_hour: 0.0004 USD per hour is hardly a rent: if it is per second, write 1.44 (line 4)" in seen.err
    )


def test_online_backends_are_asked_for_what_they_have(tmp_path, monkeypatch, capsys) -> None:
    """Nothing listens at the first address; the second lists another model."""
    with listing_server(["gpt-4o"]) as url:
        path = tmp_path / "p.yaml"
        path.write_text(
            f"""\
version: 1
zones: {{cloud: {{}}}}
backends:
  gone: {{zone: cloud, kind: openai, url: "http://127.0.0.1:9/v1", serves: {{fast: gpt-4o-mini}}}}
  api: {{zone: cloud, kind: openai, url: "{url}", serves: {{fast: gpt-4o-mini}}}}
models:
  fast: {{backends: [gone, api]}}
"""
        )
        assert main(["check", "--online", str(path)]) == 0
        told = capsys.readouterr().err
        assert 'backends.api.serves.fast: its /models lacks "gpt-4o-mini"; did you mean "gpt-4o"? (line 5)' in told
        assert "backends.gone did not tell which models it has" in told
        assert main(["check", "--online", "--strict", str(path)]) == 1


def test_a_backend_that_cannot_be_asked_fails_where_all_is_to_be_sure(tmp_path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(
        """\
version: 1
zones: {cloud: {}}
backends:
  gone: {zone: cloud, kind: openai, url: "http://127.0.0.1:9/v1", serves: {fast: gpt-4o-mini}}
models:
  fast: {backends: [gone]}
"""
    )
    assert main(["check", "--online", str(path)]) == 0
    assert main(["check", "--strict", str(path)]) == 0
    assert main(["check", "--online", "--strict", str(path)]) == 1


def test_an_edit_that_the_gateway_here_would_refuse_is_refused(policy, tmp_path, capsys):
    """Of the file that it serves, and no other one."""
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    copy, other = data_dir / LAST_GOOD, tmp_path / "other.yaml"
    policy.write_text(POLICY + "budget: {usd_per_day: 5}\n")
    assert keep_copy(load(policy), str(policy), copy)
    for path in (policy, other):
        path.write_text(POLICY)
    assert main(["check", "--data-dir", str(data_dir), str(policy)]) == 1
    said = capsys.readouterr()
    assert "budget: is in the policy in force, and missing here" in said.err and said.out == ""
    assert main(["check", "--data-dir", str(data_dir), str(other)]) == 0
    policy.write_text(POLICY + "budget: {}\n")
    assert main(["check", "--data-dir", str(data_dir), str(policy)]) == 0
