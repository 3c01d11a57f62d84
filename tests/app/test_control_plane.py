"""The control plane's process: it starts with the gateway, and its death disturbs no request."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from support.serving import Serving, eventually, refused, wait_for_end

ADMIN = "admin-token-of-these-tests"
VIEWER = "viewer-token-of-these-tests"


def ask(serving: Serving, path: str, token: str) -> tuple[int, dict]:
    request = urllib.request.Request(serving.admin_url + path, headers={"authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_it_shows_what_the_gateway_did(serve, policy):
    serving = serve(policy, environment={"BREAKEVEN_ADMIN_TOKEN": ADMIN, "BREAKEVEN_VIEWER_TOKEN": VIEWER})
    assert serving.ask(max_tokens=1).status == 200
    total = eventually(lambda: (t := ask(serving, "/api/spend", VIEWER)[1]["total"])["requests"] and t)
    assert total["requests"] == 1 and total["local_tokens"] > 0
    counted = serving.usage()["total"]
    assert total["cost_micro_usd"] == pytest.approx(counted["cost_usd"] * 1e6)
    assert total["counterfactual_micro_usd"] == pytest.approx(counted["counterfactual_usd"] * 1e6)
    assert ask(serving, "/api/session", ADMIN)[1]["role"] == "admin"


def test_it_shows_workers_budgets_and_requests(serve, policy):
    policy.write_text(policy.read_text() + "budget: {requests_per_day: 10}\n")
    serving = serve(policy, "--workers", "2", environment={"BREAKEVEN_VIEWER_TOKEN": VIEWER})
    answer = serving.ask(max_tokens=1)
    (record,) = eventually(lambda: ask(serving, "/api/requests", VIEWER)[1]["requests"])
    assert (record["request"], record["backend"]) == (answer.headers["x-request-id"], "gpu")
    assert ask(serving, f"/api/requests/{record['id']}", VIEWER)[1]["agrees"]
    (budget,) = ask(serving, "/api/budgets", VIEWER)[1]["budgets"]
    assert (budget["name"], budget["used"], budget["left"]) == ("global: requests_per_day", 1, 9)

    def seen() -> dict | None:
        found = ask(serving, "/api/backends", VIEWER)[1]
        return found if len(found["workers"]) == 2 and found["backends"][0]["recent_requests"] else None

    found = eventually(seen)
    gpu = found["backends"][0]
    assert (gpu["name"], gpu["state"], gpu["recent_error_rate"]) == ("gpu", "healthy", 0)
    assert gpu["latency"]["p50"] > 0 and found["overhead"] is not None
    assert found["policies"] == {serving.ready()["policy"]: 2}


def test_what_was_measured_outlives_its_process(serve, policy):
    serving = serve(policy, environment={"BREAKEVEN_VIEWER_TOKEN": VIEWER})
    assert serving.ask(max_tokens=1).status == 200
    eventually(lambda: ask(serving, "/api/requests", VIEWER)[1]["requests"])
    (process,) = serving.children("router.app.control_plane")
    process.kill()
    wait_for_end(process)

    def measured() -> int:
        try:
            return ask(serving, "/api/backends", VIEWER)[1]["backends"][0]["recent_requests"]
        except OSError:
            return 0

    assert eventually(measured) == 1


def test_no_other_process_gets_the_tokens(serve, policy):
    serving = serve(policy, environment={"BREAKEVEN_ADMIN_TOKEN": ADMIN})
    for child in serving.children():
        assert ADMIN.encode() not in Path(f"/proc/{child.pid}/environ").read_bytes()
        assert ADMIN not in child.command


def test_it_is_started_again_and_no_request_notices(serve, policy):
    serving = serve(policy, environment={"BREAKEVEN_ADMIN_TOKEN": ADMIN})
    (process,) = serving.children("router.app.control_plane")
    process.kill()
    assert serving.ask(max_tokens=1).status == 200
    wait_for_end(process)
    assert serving.ask(max_tokens=1).status == 200

    def back() -> bool:
        try:
            return ask(serving, "/api/session", ADMIN)[0] == 200
        except OSError:
            return False

    assert eventually(back)


def test_a_first_start_that_fails_does_not_use_up_the_moment_at_which_the_token_is_shown(serve, policy, tmp_path):
    broken = tmp_path / "broken.yaml"
    broken.write_text("version: 1\nbackends: 7\n")
    code, out, error = refused(tmp_path / "data", "--policy", str(broken))
    token = (tmp_path / "data" / "admin-token").read_text().strip()
    assert code and token not in out + error
    assert f"sign in with {token} (shown this once" in serve(policy).greeting


def test_a_token_is_made_shown_once_and_never_logged(serve, policy):
    serving = serve(policy)
    token = (serving.data_dir / "admin-token").read_text().strip()
    assert f"sign in with {token} (shown this once" in serving.greeting
    assert ask(serving, "/api/session", token)[0] == 200 and ask(serving, "/api/session", "wrong" * 5)[0] == 401
    serving.stop()
    again = serve(policy)
    assert token not in again.greeting and f"sign in with the token in {serving.data_dir}/admin-token" in again.greeting
    again.stop()
    assert token not in serving.log_path.read_text()


def test_an_applied_policy_is_taken_over_by_the_workers(serve, policy):
    serving = serve(policy, environment={"BREAKEVEN_ADMIN_TOKEN": ADMIN})
    seen = ask(serving, "/api/policy", ADMIN)[1]
    body = {"text": seen["text"].replace("local_first", "cloud_first")}
    headers = {
        "authorization": f"Bearer {ADMIN}",
        "if-match": seen["text_version"],
        "content-type": "application/json",
    }
    url = f"{serving.admin_url}/api/policy/apply"
    with urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), headers), timeout=20) as answer:
        version = json.load(answer)["version"]
    eventually(lambda: serving.ready()["policy"] == version)
    assert serving.ask(max_tokens=1).backend == "api"
    assert eventually(lambda: ask(serving, "/api/policy", ADMIN)[1]["version"] == version)


def test_what_keeps_it_from_starting_is_said(tmp_path, policy):
    code, _, error = refused(tmp_path / "data", "--policy", str(policy), "--admin-token-file", "/no/such/file")
    assert code == 1 and "the token file /no/such/file cannot be read" in error


def test_a_request_can_be_tried_through_the_gateway_beside_it(serve, policy):
    serving = serve(policy, "--workers", "2", environment={"BREAKEVEN_ADMIN_TOKEN": ADMIN})
    choices = ask(serving, "/api/playground", ADMIN)[1]
    attempt = {"key": choices["keys"][0]["name"], "model": choices["models"][0], "prompt": "Hello", "max_tokens": 5}
    headers = {"authorization": f"Bearer {ADMIN}", "content-type": "application/json"}
    request = urllib.request.Request(
        serving.admin_url + "/api/playground", json.dumps({**attempt, "side": "own"}).encode(), headers
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        head, *events, end = [json.loads(line) for line in answer]
    assert (head["answered"]["status"], head["answered"]["backend"]) == (200, "gpu") and events
    assert (end["record"]["via"], end["record"]["key"]) == ("playground", attempt["key"])
