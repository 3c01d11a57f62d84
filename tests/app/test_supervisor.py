"""The gateway as processes: how they start, what they survive, and how they end."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from support.serving import (
    ASK,
    PATIENCE,
    PROJECT,
    Process,
    Serving,
    children_of,
    clean_environment,
    connected,
    eventually,
    request,
    usage,
    wait_for_end,
)

from router.app.supervisor import ALLOCATION
from router.config.load import load

RESTRICTED = {"x-breakeven-sensitivity": "restricted", "content-type": "application/json"}


def accepts(url: str) -> bool:
    parts = urlsplit(url)
    try:
        with socket.create_connection((parts.hostname, parts.port), timeout=5) as connection:
            # Where nobody listens yet, a connection may come to itself: its own port is any free one.
            return connection.getsockname() != connection.getpeername()
    except OSError:
        return False


def start_long_stream(serving: Serving, connection: http.client.HTTPConnection) -> http.client.HTTPResponse:
    """An answer of about a second from the pretended vLLM, of which the first event has arrived."""
    body = {**ASK, "stream": True, "max_tokens": 60, "ignore_eos": True}
    connection.request("POST", "/v1/chat/completions", json.dumps(body), RESTRICTED)
    response = connection.getresponse()
    assert response.status == 200 and response.readline().startswith(b"data: ")
    return response


# --- without any setting


def test_the_printed_line_answers_when_pasted_to_a_shell(serve):
    serving = serve()
    assert "SIMULATED" in serving.greeting
    result = subprocess.run(["bash", "-c", serving.curl], capture_output=True, text=True, timeout=PATIENCE)
    assert result.returncode == 0
    head, _, body = result.stdout.partition("\n\n")
    assert head.splitlines()[0].split()[1] == "200"
    assert "x-breakeven-reason: threshold-below" in head
    assert "What is the capital of France?" in json.loads(body)["choices"][0]["message"]["content"]
    pretended_backends_come_back_where_they_were(serving)


def pretended_backends_come_back_where_they_were(serving: Serving) -> None:
    """The policy that names their ports is written once."""
    backends = load(serving.data_dir / "default-policy.yaml").policy.backends
    killed = serving.children("--kind openai")[0]
    killed.kill()
    eventually(lambda: serving.children("--kind openai --port"))
    eventually(lambda: accepts(backends["simulated-cloud"].url))
    assert serving.ask(max_tokens=1).backend == "simulated-cloud"


def test_children_import_what_is_installed_not_what_lies_where_they_were_started(tmp_path):
    """A checkout there would take the place of a compiled package, or of another version."""
    (tmp_path / "router").mkdir()
    (tmp_path / "router" / "__init__.py").write_text("raise SystemExit('imported from the wrong place')")
    serving = Serving(tmp_path / "data", program=("-P", "-m", "router"), cwd=tmp_path).start()
    try:
        assert serving.ask().status == 200
    finally:
        serving.stop()


def without_rent(usage):
    """Rent goes on while it is served."""
    left = {name: value for name, value in usage.items() if not name.startswith(("rent", "net"))}
    return {name: without_rent(value) if isinstance(value, dict) else value for name, value in left.items()}


def test_the_end_is_clean_and_totals_outlive_it(serve):
    serving = serve()
    family = serving.children()
    others = [each for each in family if "litellm_adapter" not in each.command]  # where that is installed
    assert len(others) == 5  # a worker, the control plane, Valkey, two pretended backends
    tokens = serving.ask().json["usage"]["total_tokens"] + serving.ask(RESTRICTED).json["usage"]["total_tokens"]
    before = eventually(lambda: counted(serving, 2))
    assert before["total"]["input"] + before["total"]["output"] == tokens
    assert serving.stop() == 0
    assert not any(each.alive for each in family)
    assert without_rent(serve().usage()) == without_rent(before)


def test_a_signal_ends_a_start_that_takes_long(tmp_path):
    """It waits for a vLLM that accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        silent.settimeout(PATIENCE)
        command = [sys.executable, "-m", "router", "serve", "--port", "0", "--admin-port", "0"]
        command += ["--data-dir", str(tmp_path)]
        environment = clean_environment({"VLLM_BASE_URL": url})
        process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, cwd=PROJECT)
        held, _ = silent.accept()
        family = children_of(process.pid)
        process.send_signal(signal.SIGTERM)
        for child in family:
            wait_for_end(child)
        held.close()
        assert process.communicate(timeout=20)[0] == b"" and process.returncode == 0
    assert family


def counted(serving: Serving, requests: int) -> dict[str, dict[str, int]] | None:
    found = serving.usage()
    return found if found["total"]["requests"] == requests else None


def test_a_running_stream_finishes_and_nobody_else_is_let_in(serve, policy, leisurely, pretended):
    policy.write_text(policy.read_text().replace(pretended["gpu"], leisurely))
    serving = serve(policy)
    with connected(serving.url) as connection:
        response = start_long_stream(serving, connection)
        serving.signal(signal.SIGTERM)
        eventually(lambda: not accepts(serving.url))
        assert serving.process.poll() is None
        assert response.read().endswith(b"data: [DONE]\n\n")
    assert serving.wait() == 0
    assert usage(serving.data_dir)["gpu"]["output"] == 60


def test_a_stream_that_outlasts_the_grace_period_is_cut_and_charged(serve, policy, leisurely, pretended):
    """Ctrl-C ends it as SIGTERM does."""
    policy.write_text(policy.read_text().replace(pretended["gpu"], leisurely))
    serving = serve(policy, "--grace", "0.1")
    with connected(serving.url) as connection:
        response = start_long_stream(serving, connection)
        serving.signal(signal.SIGINT)
        with contextlib.suppress(http.client.IncompleteRead, ConnectionError):
            assert b"[DONE]" not in response.read()
    assert serving.wait() == 0
    assert 0 < usage(serving.data_dir)["gpu"]["output"] < 60


@pytest.mark.parametrize("given", [{}, {"MALLOC_ARENA_MAX": "4"}, {"MALLOC_TRIM_THRESHOLD_": "99999", "OTHER": "1"}])
def test_how_a_worker_takes_memory_is_set_unless_told_otherwise(serve, given):
    (worker,) = serve(environment=given).workers()
    settings = dict(each.split("=", 1) for each in Path(f"/proc/{worker.pid}/environ").read_text().split("\0") if each)
    assert {name: settings[name] for name in ALLOCATION | given} == ALLOCATION | given


def test_nobody_else_may_read_a_file_that_it_makes(serve):
    """Whatever mask it was started with."""
    before = os.umask(0o022)
    try:
        serving = serve()
    finally:
        os.umask(before)
    serving.ask()
    eventually(lambda: list((serving.data_dir / "journal").rglob("*.log")))
    made = [serving.data_dir, *serving.data_dir.rglob("*")]
    assert any(path.name == "appendonlydir" for path in made)
    assert [path.name for path in made if stat.S_IMODE(path.lstat().st_mode) & 0o077] == []


# --- workers


def worker_of(connection: http.client.HTTPConnection) -> str:
    """Which worker has this connection: the first part of its request ids."""
    return request(connection, "GET", "/healthz").headers["x-request-id"][:16]


def test_two_workers_share_a_port_and_count_together(serve, policy):
    serving = serve(policy, "--workers", "2")
    assert len(serving.workers()) == 2
    answered: Counter[str] = Counter()
    tokens = 0
    for _ in range(40):
        with connected(serving.url) as connection:
            worker = worker_of(connection)
            answer = request(connection, "POST", "/v1/chat/completions", ASK)
            answered[worker] += answer.status == 200
            tokens += answer.json["usage"]["total_tokens"]
    assert len(answered) == 2 and answered.total() == 40
    total = eventually(lambda: counted(serving, 40))["total"]
    assert (total["input"] + total["output"], total["errors"]) == (tokens, 0)


def test_a_killed_worker_is_replaced_while_the_other_answers(serve, policy):
    serving = serve(policy, "--workers", "2")
    killed, other = serving.workers()
    killed.kill()
    wait_for_end(killed)
    assert all(serving.ask().status == 200 for _ in range(20))
    eventually(lambda: len(serving.workers()) == 2)
    assert other in serving.workers()
    assert serving.log("process ended")[0]["exit_code"] == -signal.SIGKILL

    def both_answer() -> bool:
        with connected(serving.url) as connection:
            seen.add(worker_of(connection))
        return len(seen) == 2

    seen: set[str] = set()
    eventually(both_answer)


def test_nothing_outlives_a_killed_supervisor(serve, policy):
    serving = serve(policy)
    default = serve_default_beside(serving)
    for each in (serving, default):
        family = each.children()
        Process(each.pid, "").kill()
        each.wait()
        for child in family:
            wait_for_end(child)
    assert not accepts(serving.url)


def serve_default_beside(serving: Serving) -> Serving:
    """With pretended backends, which a policy has none of."""
    default = Serving(serving.data_dir.with_name("default")).start()
    assert len(default.children("router.simulate")) == 2
    return default


# --- the ledger


def test_a_killed_valkey_is_started_again_with_what_it_knew(serve, policy):
    serving = serve(policy)
    serving.ask()
    before = eventually(lambda: counted(serving, 1))
    killed = serving.valkey()
    killed.kill()
    wait_for_end(killed)
    answers = [serving.ask(), serving.ask(RESTRICTED)]
    assert {(answer.status, answer.backend) for answer in answers} == {(200, "gpu")}
    eventually(lambda: serving.valkey() not in (None, killed))
    eventually(lambda: serving.ready()["ledger"] == "available")
    assert serving.ask().status == 200
    after = eventually(lambda: counted(serving, 4))
    assert after["gpu"]["output"] > before["gpu"]["output"]
    assert serving.log("embedded Valkey ended")[0]["pid"] == killed.pid


def test_while_valkey_is_away_the_cloud_is_refused(serve, policy):
    policy.write_text(policy.read_text().replace("local_first", "cloud_first"))
    serving = serve(policy)
    assert serving.ask().backend == "api"
    stopped = serving.valkey()
    (serving.data_dir / "appendonlydir").rename(serving.data_dir / "elsewhere")
    (serving.data_dir / "appendonlydir").write_text("in the way")
    stopped.kill()
    wait_for_end(stopped)
    eventually(lambda: serving.ready()["ledger"] == "lost")
    assert serving.ask().backend == "gpu"
    eventually(lambda: serving.log("embedded Valkey does not start"))
    (serving.data_dir / "appendonlydir").unlink()
    (serving.data_dir / "elsewhere").rename(serving.data_dir / "appendonlydir")
    eventually(lambda: serving.ready()["ledger"] == "available")
    assert serving.ask().backend == "api"
    found = eventually(lambda: counted(serving, 3))
    assert (found["api"]["requests"], found["gpu"]["requests"]) == (2, 1)


def test_a_ledger_out_of_reach_at_the_start_is_said_loudly(serve, policy):
    serving = serve(policy, "--redis", "redis://:the-password@127.0.0.1:1/0", "--workers", "2")
    assert "LEDGER LOST: 127.0.0.1:1" in serving.greeting and "Cloud backends are refused" in serving.greeting
    assert serving.log("ledger lost at start")[0]["level"] == "error"
    assert serving.ask(RESTRICTED).backend == "gpu"
    assert serving.valkey() is None
    policy.write_text(policy.read_text().replace("backends: [gpu, api]", "backends: [api]"))
    answer = eventually(lambda: refusal(serving))
    assert "the ledger cannot be reached" in answer.json["error"]["message"]
    assert "retry-after" in answer.headers
    assert "the-password" not in serving.greeting + serving.log_path.read_text() + answer.body.decode()


def refusal(serving: Serving):
    answer = serving.ask()
    return answer if answer.status == 503 else None


# --- the adapter


@pytest.fixture
def adapted(serve, tmp_path, pretended, interpreter):
    """A gateway whose only backend stands behind the adapter."""
    policy = tmp_path / "policy.yaml"
    policy.write_text(f"""
version: 1
zones: {{cloud: {{}}}}
backends:
  adapted:
    zone: cloud
    kind: litellm
    api_base: {pretended["api"]}
    api_key: env:ADAPTED_KEY
    serves: {{chat: {{model: openai/gpt-4o-mini, price: {{input: 1, output: 2}}}}}}
secrets: {{ADAPTED_KEY: [127.0.0.1]}}
models: {{chat: {{backends: [adapted]}}}}
health: {{cooldown: 100ms}}
""")
    return serve(policy, environment={"BREAKEVEN_ADAPTER_PYTHON": interpreter, "ADAPTED_KEY": "k"})


def test_the_first_request_finds_the_adapter_ready(adapted):
    answer = adapted.ask()
    assert (answer.status, answer.backend) == (200, "adapted")


@pytest.mark.prove
def test_a_killed_adapter_is_replaced_though_the_policy_is_broken_and_ends_with_its_supervisor(adapted):
    Path(adapted.arguments[1]).write_text("version: [")
    eventually(lambda: adapted.log("policy not adopted"))
    (killed,) = adapted.children("router.litellm_adapter")
    killed.kill()
    wait_for_end(killed)
    eventually(lambda: adapted.ask().status == 200)
    family = adapted.children()
    Process(adapted.pid, "").kill()
    adapted.wait()
    for child in family:
        wait_for_end(child)


def test_an_edit_of_one_adapted_backend_leaves_no_gap_for_the_others(adapted):
    (before,) = adapted.children("router.litellm_adapter")
    path = Path(adapted.arguments[1])
    path.write_text(path.read_text().replace("secrets:", f"  {ADAPTED.replace('adapted', 'other')}\nsecrets:"))
    seen = set()

    def replaced() -> bool:
        seen.add(adapted.ask().status)
        return before.pid not in {each.pid for each in adapted.children("router.litellm_adapter")}

    eventually(replaced, 60)
    assert seen == {200} and adapted.ask().status == 200


def asked_patiently(serving, path, **body):
    """A start takes as long as the machine needs to import litellm."""
    with contextlib.closing(http.client.HTTPConnection(urlsplit(serving.url).netloc, timeout=120)) as connection:
        return request(connection, "POST", path, {**ASK, **body})


PLAIN = """
version: 1
zones: {cloud: {}}
backends:
  plain: {zone: cloud, kind: openai, url: "%s", serves: {chat: {model: gpt-4o-mini, price: {input: 1, output: 2}}}}
models: {chat: {backends: [plain]}}
"""


def test_backends_that_need_no_adapter_have_none_until_a_request_needs_it(serve, tmp_path, pretended, interpreter):
    policy = tmp_path / "policy.yaml"
    policy.write_text(PLAIN % pretended["api"])
    serving = serve(policy, environment={"BREAKEVEN_ADAPTER_PYTHON": interpreter})
    assert serving.ask().status == 200
    assert serving.ready()["adapter"] == "off" and not serving.children("router.litellm_adapter")
    assert asked_patiently(serving, "/v1/messages", max_tokens=20).status == 200, "it waited for the start"
    assert serving.ready()["adapter"] == "ready" and len(serving.children("router.litellm_adapter")) == 1


def test_a_request_for_a_backend_that_was_just_added_waits_for_the_adapter(serve, policy, pretended, interpreter):
    serving = serve(policy, environment={"BREAKEVEN_ADAPTER_PYTHON": interpreter, "ADAPTED_KEY": "k"})
    before = serving.ready()["policy"]
    added = ADAPTED.replace("chat", "other").replace("openai/x", "openai/gpt-4o-mini").removesuffix("}")
    added += f", api_base: {pretended['api']}, api_key: env:ADAPTED_KEY}}"
    text = policy.read_text().replace("models: {", "models: {other: {backends: [adapted]}, ")
    policy.write_text(text.replace("models:", f"  {added}\nsecrets: {{ADAPTED_KEY: [127.0.0.1]}}\nmodels:"))
    eventually(lambda: serving.ready()["policy"] != before)
    assert asked_patiently(serving, "/v1/chat/completions", model="other").status == 200


def seconds_until_back(adapted, killed: Process) -> float:
    """A request may wait for the adapter: how long the first one takes tells how long it was away."""
    killed.kill()
    began = time.monotonic()
    wait_for_end(killed)
    eventually(lambda: adapted.ask().status == 200)
    return time.monotonic() - began


def test_a_killed_adapter_is_back_without_loading_litellm_anew(adapted):
    """Whichever of its two processes it was: one serves, the other has litellm ready for the next one."""
    assert adapted.ask().status == 200
    (holder,) = adapted.children("router.litellm_adapter")
    (serving,) = children_of(holder.pid)
    seconds_until_back(adapted, serving)
    assert adapted.children("router.litellm_adapter") == [holder]
    seconds_until_back(adapted, holder)


@pytest.mark.prove
def test_a_killed_adapter_is_back_within_three_seconds(adapted):
    """The best of three times counts: what else a machine does is not the adapter's."""
    assert adapted.ask().status == 200
    (holder,) = adapted.children("router.litellm_adapter")
    away = [seconds_until_back(adapted, *eventually(lambda: children_of(holder.pid))) for _ in range(3)]
    assert min(away) < 3, away
    assert seconds_until_back(adapted, holder) < 3


def test_an_adapter_that_the_system_stopped_is_replaced(adapted):
    assert adapted.ask().status == 200
    (holder,) = adapted.children("router.litellm_adapter")
    (stopped,) = children_of(holder.pid)
    os.kill(stopped.pid, signal.SIGSTOP)
    wait_for_end(stopped)
    eventually(lambda: adapted.ask().status == 200)
    assert adapted.children("router.litellm_adapter") == [holder]
    assert "the serving process stands still" in adapted.log_path.read_text()


ADAPTED = "adapted: {zone: cloud, kind: litellm, serves: {chat: {model: openai/x, price: {input: 1, output: 2}}}}"


def test_an_adapter_that_cannot_run_leaves_the_others_serving(serve, policy):
    text = policy.read_text().replace("[gpu, api]", "[gpu, adapted]")
    policy.write_text(text.replace("models:", f"  {ADAPTED}\nmodels:"))
    serving = serve(policy, environment={"BREAKEVEN_ADAPTER_PYTHON": "/nowhere/python"})
    assert serving.ask().backend == "gpu"
    assert serving.log("serving without the adapter")
    assert serving.log("process cannot be started")[0]["child"] == "adapter"
