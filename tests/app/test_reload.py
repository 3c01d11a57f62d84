"""Policy edits while requests are answered."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.serving import Serving, eventually, wait_for_end

from router.app.data_dir import LAST_GOOD
from router.app.logs import JsonFormatter
from router.app.reload import PRETENDED, NotServable, check_servable, follow, keep_copy, warn
from router.config.load import load
from router.config.problems import PolicyError, Problem

KEY = '\nkeys: [{name: app, sha256: "%s"}]\n' % ("0" * 64)


@contextmanager
def under_load(serving: Serving) -> Iterator[Counter[tuple[int, str]]]:
    """Three clients ask without a pause; what they were answered: status and backend."""
    answered: Counter[tuple[int, str]] = Counter()
    stop = threading.Event()

    def ask_on() -> None:
        while not stop.is_set():
            try:
                answer = serving.ask()
                answered[answer.status, answer.backend] += 1
            except OSError as error:
                answered[0, type(error).__name__] += 1

    clients = [threading.Thread(target=ask_on) for _ in range(3)]
    for client in clients:
        client.start()
    try:
        yield answered
    finally:
        stop.set()
        for client in clients:
            client.join()


def replaced(path: Path, text: str) -> None:
    """As editors save: a new file takes the old one's name."""
    fresh = path.with_suffix(".tmp")
    fresh.write_text(text)
    fresh.replace(path)


def swapped(path: Path, text: str) -> None:
    """As Kubernetes updates a config map: `path` leads through a directory link, which is swapped for another."""
    folder = path.with_name(f"version-{len(list(path.parent.iterdir()))}")
    folder.mkdir()
    (folder / "policy.yaml").write_text(text)
    fresh = path.with_name("fresh-link")
    fresh.symlink_to(folder)
    fresh.replace(path.with_name("current"))
    if not path.is_symlink():
        path.unlink()
        path.symlink_to("current/policy.yaml")


def test_edits_are_adopted_without_a_failed_request_however_they_are_saved(serve, policy):
    local = policy.read_text()
    cloud = local.replace("local_first", "cloud_first")
    serving = serve(policy, "--workers", "2")
    with under_load(serving) as answered:
        eventually(lambda: answered[200, "gpu"] > 10)
        for edit, (save, text, backend) in enumerate(
            [(replaced, cloud, "api"), (swapped, local, "gpu"), (swapped, cloud, "api")]
        ):
            save(policy, text)
            eventually(lambda: len(serving.log("policy adopted")) == 2 * (edit + 1))  # noqa: B023
            assert serving.ask().backend == backend
    assert set(answered) == {(200, "gpu"), (200, "api")}


def test_a_broken_edit_is_reported_and_leaves_the_last_good_policy(serve, policy):
    text = policy.read_text()
    serving = serve(policy)
    version = serving.ready()["policy"]
    assert version == load(policy).version
    with under_load(serving) as answered:
        policy.write_text(text.replace("strategy: local_first", "strategy: cloudy"))
        (line,) = eventually(lambda: serving.log("policy not adopted"))
        before = answered[200, "gpu"]
        eventually(lambda: answered[200, "gpu"] > before + 10)
    assert set(answered) == {(200, "gpu")}
    assert line["level"] == "error"
    (problem,) = line["problems"]
    where = text.splitlines().index("cost: {strategy: local_first}") + 1
    assert problem.startswith(f"{policy}:{where}:") and "cost.strategy" in problem and "cloudy" in problem
    assert serving.ready()["policy"] == version
    assert " for 1 problem: the last good policy stays" in serving.ready()["policy_edit"]
    policy.unlink()
    line = eventually(lambda: serving.log("policy not adopted")[1:])[0]
    assert line["problems"] == [f"{policy}: cannot be read: No such file or directory"]
    assert serving.ask().status == 200
    policy.write_text(text.replace("local_first", "cloud_first"))
    eventually(lambda: serving.ask().backend == "api")
    assert "policy_edit" not in serving.ready()


def test_a_worker_that_starts_while_the_policy_is_broken_serves_the_last_good_one(serve, policy):
    text = policy.read_text()
    serving = serve(policy)
    policy.write_text(text.replace("local_first", "cloud_first"))
    eventually(lambda: serving.ask().backend == "api")
    eventually(lambda: (serving.data_dir / LAST_GOOD).read_text() == policy.read_text())
    policy.write_text(text.replace("version: 1", "version: 1\nnonsense: ["))
    eventually(lambda: serving.log("policy not adopted"))
    (killed,) = serving.workers()
    killed.kill()
    wait_for_end(killed)
    (line,) = eventually(lambda: serving.log("policy not adopted")[1:])
    assert line["problems"][0].startswith(f"{policy}:")
    assert eventually(lambda: answer_of(serving)).backend == "api"
    eventually(lambda: "the last good policy stays" in serving.ready()["policy_edit"])


def test_a_worker_that_starts_after_an_edit_lost_a_section_protects_as_the_others_do(serve, policy):
    text = policy.read_text()
    serving = serve(policy)
    policy.write_text(re.sub(r"(?m)^sensitivity:.*\n(?:[ #].*\n)*", "", text))
    (line,) = eventually(lambda: serving.log("policy not adopted"))
    assert "sensitivity: is in the policy in force, and missing here" in line["problems"][0]
    (killed,) = serving.workers()
    killed.kill()
    wait_for_end(killed)
    eventually(lambda: serving.log("policy not adopted")[1:])
    assert eventually(lambda: answer_of(serving)).headers["x-breakeven-sensitivity"]


def test_a_start_of_the_machine_is_no_consent_to_an_edit_that_was_refused(serve, policy):
    """What was in force is served, the edit is told as a running gateway tells it, and whoever means it says so."""
    text = policy.read_text()
    serving, before = serve(policy), load(policy).version
    family = serving.children()
    os.kill(serving.pid, signal.SIGKILL)
    serving.wait()
    for each in family:
        wait_for_end(each)
    policy.write_text(re.sub(r"(?m)^sensitivity:.*\n(?:[ #].*\n)*", "", text))
    lost = load(policy).version
    again = serve(policy)
    assert f"version {before}" in again.greeting
    (line,) = again.log("the policy's file holds an edit that a running gateway refuses")
    assert "sensitivity: is in the policy in force, and missing here" in line["problems"][0]
    eventually(lambda: "the last good policy stays" in again.ready().get("policy_edit", ""))
    again.stop()
    accepted = serve(policy, "--accept-policy")
    assert f"version {lost}" in accepted.greeting
    accepted.stop()


def test_the_copy_of_another_file_says_nothing_of_the_one_that_is_served(serve, policy):
    other = policy.with_name("other.yaml")
    other.write_text(re.sub(r"(?m)^sensitivity:.*\n(?:[ #].*\n)*", "", policy.read_text()))
    serve(policy).stop()
    assert f"version {load(other).version}" in serve(other).greeting


def answer_of(serving: Serving):
    try:
        return serving.ask()
    except OSError:
        return None


def test_the_keys_of_a_public_address_cannot_be_edited_away(serve, policy):
    """Nor does a worker that starts then serve everybody."""
    text = policy.read_text()
    policy.write_text(text + KEY)
    serving = serve(policy, "--host", "0.0.0.0")
    policy.write_text(text + "keys: []\n")
    (line,) = eventually(lambda: serving.log("policy not adopted"))
    assert "the policy has no keys" in line["problems"][0]
    assert serving.ask().status == 401
    (killed,) = serving.workers()
    killed.kill()
    wait_for_end(killed)
    assert eventually(lambda: answer_of(serving)).status == 401


# --- in this process

PROMPT = "what nobody may read"


class Polled:
    """A policy file whose polls answer as told."""

    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)
        self.empty = asyncio.Event()

    def poll(self) -> object:
        if not self.answers:
            self.empty.set()
            return None
        answer = self.answers.pop(0)
        if isinstance(answer, RuntimeError):
            raise answer
        return answer


async def followed(monkeypatch: pytest.MonkeyPatch, adopt, *answers: object) -> list[list[str]]:
    """What was told of each edit."""
    monkeypatch.setattr("router.app.reload.POLL_SECONDS", 0)
    file, told = Polled(*answers), []
    following = asyncio.create_task(follow(file, "127.0.0.1", adopt, lambda problems: told.append(list(problems))))
    looking = asyncio.create_task(file.empty.wait())
    await asyncio.wait({following, looking}, return_when=asyncio.FIRST_COMPLETED, timeout=10)
    assert not following.done()
    following.cancel()
    looking.cancel()
    return told


async def test_following_goes_on_after_whatever_goes_wrong(policy, monkeypatch, caplog):
    plan, adopted = load(policy), []

    def adopt(new):
        if not adopted:
            adopted.append("failed")
            raise ValueError(PROMPT)
        adopted.append(new)

    broken = PolicyError([Problem("p.yaml", 3, 4, "cost", "wrong")])
    told = await followed(monkeypatch, adopt, broken, RuntimeError(), plan, plan)
    ours = "the gateway failed on this policy; its log has the details"
    assert told == [["p.yaml:3:4: cost: wrong"], [ours], [ours], []]
    assert adopted == ["failed", plan]
    failures = [each for each in caplog.records if each.name == "breakeven.policy" and each.levelno >= logging.ERROR]
    logged = [JsonFormatter().format(record) for record in failures]
    assert ["p.yaml:3:4: cost: wrong" in line for line in logged] == [True, False, False]
    assert "ValueError" in logged[2] and PROMPT not in "".join(logged)


async def test_files_that_are_slow_to_read_are_told_of_and_the_edit_is_adopted_once_they_came(
    policy, monkeypatch, caplog
):
    """A policy or a secret somewhere on a network, say: nobody would know otherwise why an edit does nothing."""
    monkeypatch.setattr("router.app.reload.POLL_SECONDS", 0)
    monkeypatch.setattr("router.app.reload.READ_SECONDS", 0.01)
    plan, came, adopted = load(policy), threading.Event(), asyncio.Queue()

    class Slow(Polled):
        path = policy

        def poll(self) -> object:
            came.wait(30)
            return super().poll()

    following = asyncio.create_task(follow(Slow(plan), "127.0.0.1", adopted.put_nowait))
    try:
        async with asyncio.timeout(20):
            while not caplog.records:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.01)
            (told,) = caplog.records
            assert (told.levelno, told.path) == (logging.ERROR, str(policy)) and "take long" in told.message
            assert adopted.empty()
            came.set()
            assert await adopted.get() is plan
    finally:
        came.set()
        following.cancel()


def test_only_loopback_may_be_served_without_keys(policy):
    plan = load(policy)
    for host in ("127.0.0.1", "127.9.9.9", "::1", "localhost"):
        check_servable(plan, host)
    for host in ("0.0.0.0", "::", "10.0.0.1", "example.org"):
        with pytest.raises(NotServable, match="breakeven key new NAME"):
            check_servable(plan, host)
    text = policy.read_text()
    policy.write_text(text + "server: {stored_keys: true}\n")
    check_servable(load(policy), "0.0.0.0")
    policy.write_text(text + KEY)
    check_servable(load(policy), "0.0.0.0")


def test_a_copy_is_only_kept_of_what_was_read(policy, tmp_path):
    plan, copy = load(policy), tmp_path / "copy.yaml"
    assert keep_copy(plan, str(policy), copy)
    assert load(copy).version == plan.version
    kept = copy.read_text()
    policy.write_text("version: [")
    assert not keep_copy(plan, str(policy), copy)
    assert copy.read_text() == kept


def test_what_is_probably_not_meant_is_logged_of_what_was_taken_over(policy, caplog):
    caplog.set_level(logging.WARNING)
    policy.write_text(policy.read_text() + "retry: {attempts: 1}\n")
    plan = load(policy)
    warn(plan, str(policy))
    told = [record for record in caplog.records if record.getMessage() == "policy warning"]
    assert any("retry.attempts: with 1 attempt" in record.warning for record in told)
    caplog.clear()
    caplog.set_level(logging.INFO)
    warn(plan, str(policy), pretended=True)
    assert {(record.levelname, record.getMessage()) for record in caplog.records} == {("INFO", PRETENDED)}
    caplog.clear()
    for text in ("version: [", None):
        policy.write_text(text) if text else policy.unlink()
        warn(plan, str(policy))
    assert not caplog.records
