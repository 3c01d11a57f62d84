"""Keys in the ledger, from the command line."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest
from valkey import Valkey

from router.app.data_dir import LAST_GOOD
from router.cli import main
from router.core.resilience.worker_status import WorkerStatus
from router.ledger.redis_keys import KEYS_KEY, SHARED_KEY, TIMEZONE_KEY
from router.ledger.server.embedded import EmbeddedServer

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = EmbeddedServer(tmp_path_factory.mktemp("valkey"))
    yield server.start()
    server.stop()


@pytest.fixture
def ledger(server: str) -> Iterator[Valkey]:
    client = Valkey.from_url(server)
    client.flushall()
    yield client
    client.close()


@pytest.fixture
def key(ledger: Valkey, server: str, capsys: pytest.CaptureFixture[str]) -> Command:
    """`key("revoke", "app")` gives the exit status, what was printed, and what was wrong."""

    def run(*arguments: str) -> tuple[int, str, str]:
        status = main(["key", *arguments, "--redis", server])
        shown = capsys.readouterr()
        return status, shown.out, shown.err

    return run


def secret_in(shown: str) -> str:
    (secret,) = re.findall(r"bk-[\w-]{43}(?![\w-])", shown)
    return secret


def listed(key: Command) -> list[dict]:
    return json.loads(key("list", "--json")[1])


def test_a_stored_key_is_shown_once_and_only_its_hash_is_kept(key: Command, ledger: Valkey) -> None:
    status, shown, _ = key("new", "app", "--store", "--team", "search", "--models", "chat", "--tags", "phi,eu")
    assert status == 0
    secret = secret_in(shown)
    (field, value), *rest = ledger.hgetall(KEYS_KEY).items()
    assert not rest and field.decode() == sha256(secret.encode()).hexdigest()
    assert secret not in value.decode()
    (item,) = listed(key)
    assert (item["name"], item["team"], item["models"], item["tags"]) == ("app", "search", ["chat"], ["phi", "eu"])
    assert item["sha256"] == field.decode()[:8]


def test_it_says_what_gateways_must_be_told(key: Command) -> None:
    assert "`server: {stored_keys: true}`" in key("new", "app", "--store")[1]


def test_a_name_that_is_taken_is_an_error_that_says_what_to_do(key: Command) -> None:
    key("new", "app", "--store")
    status, shown, wrong = key("new", "app", "--store")
    assert (status, shown) == (1, "")
    assert "there is a stored key app already" in wrong and "rotate it" in wrong


@pytest.mark.parametrize("action", ["revoke", "rotate"])
def test_a_name_that_is_not_there_is_an_error_that_names_those_that_are(key: Command, action: str) -> None:
    key("new", "app", "--store")
    status, _, wrong = key(action, "ap")
    assert status == 1 and "there is no stored key ap that works (there are: app)" in wrong


def test_a_revoked_key_is_listed_as_such(key: Command) -> None:
    key("new", "app", "--store")
    assert key("revoke", "app")[0] == 0
    assert [item["state"] for item in listed(key)] == ["revoked"]


def test_many_keys_are_stored_at_once(key: Command, tmp_path: Path) -> None:
    file = tmp_path / "keys.jsonl"
    entries = [{"name": f"app-{n}", "sha256": sha256(b"%d" % n).hexdigest(), "zones": ["local"]} for n in range(1200)]
    file.write_text("\n".join(json.dumps(entry) for entry in entries[:700]) + "\n")
    assert key("import", str(file))[:2] == (0, f"700 keys are stored. {NO_GATEWAY}\n")
    file.write_text("\n\n".join(json.dumps(entry) for entry in entries))
    assert key("import", str(file))[1].startswith("500 keys are stored, 700 were stored already. ")
    found = listed(key)
    assert len(found) == 1200 and {item["zones"][0] for item in found} == {"local"}
    assert found[0]["sha256"] == entries[0]["sha256"][:8]


GOOD = {"name": "good", "sha256": "a" * 64}
NO_GATEWAY = "Gateways take it when their policy says `server: {stored_keys: true}`."


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "line 2: "),
        ("[]", "line 2: "),
        (json.dumps({"name": "a", "sha256": "b"}), "line 2: sha256: "),
        (json.dumps({"name": "a b", "sha256": "b" * 64}), "line 2: name: "),
        (json.dumps({"name": "a", "sha256": "b" * 64, "colour": "red"}), "line 2: colour: "),
        (json.dumps({"name": "a", "sha256": "a" * 64}), "line 2: this key is there already, for good"),
        (json.dumps({"name": "good", "sha256": "b" * 64}), "another key good already"),
    ],
)
def test_of_a_file_with_an_error_nothing_is_stored(key: Command, tmp_path: Path, line: str, said: str) -> None:
    file = tmp_path / "keys.jsonl"
    file.write_text(f"{json.dumps(GOOD)}\n{line}\n")
    status, _, wrong = key("import", str(file))
    assert status != 0 and said in wrong
    assert listed(key) == []


def test_a_file_that_is_none_or_too_large_is_an_error(key: Command, tmp_path: Path, monkeypatch) -> None:
    assert key("import", str(tmp_path))[0] == 2
    assert "cannot be read: No such file" in key("import", str(tmp_path / "gone"))[2]
    monkeypatch.setattr("router.cli.stored_keys._MOST_BYTES", 10)
    (tmp_path / "keys.jsonl").write_text(json.dumps(GOOD))
    assert "more than 10 bytes" in key("import", str(tmp_path / "keys.jsonl"))[2]


def test_rotating_gives_a_new_secret_and_the_old_one_its_grace(key: Command) -> None:
    first = secret_in(key("new", "app", "--store", "--zones", "local")[1])
    status, shown, _ = key("rotate", "app", "--grace", "1h")
    second = secret_in(shown)
    assert status == 0 and first != second
    old, new = listed(key)
    assert (old["state"], new["state"]) == ("ending", "active")
    assert old["zones"] == new["zones"] == ["local"]
    assert old["replaced_by"] == new["sha256"] == sha256(second.encode()).hexdigest()[:8]
    assert old["expires"] == pytest.approx(new["created"] + 3600)
    assert "The old key works until" in shown


def test_an_edit_changes_what_it_names_and_leaves_the_rest(key: Command) -> None:
    key("new", "app", "--store", "--team", "search", "--models", "chat,embed", "--zones", "local", "--tags", "phi")
    status, shown, _ = key("edit", "app", "--models", "chat", "--budget", "usd_per_day=5", "--sensitivity", "internal")
    assert status == 0 and "app is changed" in shown and "usd_per_day=5" in shown
    (item,) = listed(key)
    assert (item["models"], item["zones"], item["tags"]) == (["chat"], ["local"], ["phi"])
    assert (item["team"], item["sensitivity"], item["budget"]) == ("search", "internal", {"usd_per_day": 5})


def test_what_is_cleared_narrows_no_more(key: Command) -> None:
    key("new", "app", "--store", "--models", "chat", "--zones", "local", "--budget", "usd_per_day=5", "--expires", "1d")
    assert key("edit", "app", "--clear", "models", "--clear", "expires", "--budget", "usd_per_day=none")[0] == 0
    (item,) = listed(key)
    assert "models" not in item and "budget" not in item and item["zones"] == ["local"] and item["expires"] is None


def test_a_budget_can_be_made_anew_at_once(key: Command) -> None:
    key("new", "app", "--store", "--budget", "usd_per_day=5", "--budget", "tokens_per_day=9")
    assert key("edit", "app", "--clear", "budget", "--budget", "usd_per_month=7")[0] == 0
    assert listed(key)[0]["budget"] == {"usd_per_month": 7}


def test_an_edit_moves_the_end_as_making_a_key_sets_it(key: Command) -> None:
    key("new", "app", "--store", "--expires", "30d")
    key("edit", "app", "--expires", "2099-06-30")
    assert listed(key)[0]["expires"] == 4_086_547_200
    key("edit", "app", "--models", "chat")
    assert listed(key)[0]["expires"] == 4_086_547_200
    status, _, wrong = key("edit", "app", "--expires", "2020-01-01")
    assert status == 1 and "give a later time" in wrong


def test_an_edit_is_of_the_key_in_the_place_of_another_and_narrows_that_too(key: Command) -> None:
    key("new", "app", "--store")
    key("rotate", "app", "--grace", "1h")
    assert key("edit", "app", "--zones", "local")[0] == 0
    assert [(item["state"], item["zones"]) for item in listed(key)] == [("ending", ["local"]), ("active", ["local"])]


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["app"], 2, "nothing to change: name what"),
        (["app", "--models", "chat", "--clear", "models"], 2, "--models and --clear models contradict each other"),
        (["app", "--budget", "usd_per_day=1"] * 2, 2, "usd_per_day is given twice"),
        (["app", "--budget", "usd_per_fortnight=1"], 2, "unknown key"),
        (["app", "--budget", "usd_per_day=none"], 2, "there is no usd_per_day to take out (there are: none)"),
        (["ap", "--models", "chat"], 1, "there is no stored key ap that works (there are: app)"),
    ],
)
def test_an_edit_that_cannot_be_made_changes_nothing(
    key: Command, arguments: list[str], status: int, said: str
) -> None:
    key("new", "app", "--store")
    before = listed(key)
    arguments = [each for place, each in enumerate(arguments) if each != "app" or place == 0]
    done, shown, wrong = key("edit", *arguments)
    assert (done, shown) == (status, "") and said in wrong
    assert listed(key) == before


def test_an_edit_that_somebody_else_overtakes_is_not_made(key: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    key("new", "app", "--store")
    monkeypatch.setattr("router.ledger.stored_key.StoredKey.version", property(lambda self: object()))
    status, _, wrong = key("edit", "app", "--models", "chat")
    assert status == 1 and "changed by somebody else meanwhile; nothing was changed. Do it again" in wrong


def test_what_the_policy_here_does_not_know_is_refused_and_where_there_is_none_that_is_said(
    key: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str], server: str
) -> None:
    key("new", "app", "--store")
    (tmp_path / LAST_GOOD).write_text(TAKING)
    status, shown, wrong = key("edit", "app", "--models", "chta", "--data-dir", str(tmp_path))
    assert (status, shown) == (2, "") and "there is no model" in wrong and "chta" in wrong
    assert "models" not in listed(key)[0]
    (tmp_path / LAST_GOOD).write_text("no policy")
    status, _, said = key("edit", "app", "--models", "chat", "--data-dir", str(tmp_path))
    assert status == 0 and "Not checked against a policy" in said and "--policy FILE" in said


TAKING = (
    "{version: 1, zones: {local: {owned: true}}, server: {stored_keys: true}, models: {chat: {backends: [gpu]}}, "
    "backends: {gpu: {zone: local, kind: vllm, url: 'http://127.0.0.1:9/v1', serves: {chat: m}}}}"
)
TAKING_NONE = TAKING.replace("server: {stored_keys: true}, ", "")


@pytest.fixture
def keys_file(tmp_path: Path) -> str:
    (tmp_path / "keys.jsonl").write_text(json.dumps(GOOD))
    return str(tmp_path / "keys.jsonl")


def test_a_key_that_the_policy_here_would_not_honour_is_not_made_unless_another_one_is_named(
    key: Command, tmp_path: Path, keys_file: str
) -> None:
    key("new", "app", "--store")
    here, before = ("--data-dir", str(tmp_path)), listed(key)
    (tmp_path / LAST_GOOD).write_text(TAKING_NONE)
    (tmp_path / "next.yaml").write_text(TAKING)
    commands = (["new", "batch", "--store"], ["import", keys_file], ["rotate", "app"])
    for command in commands:
        status, shown, wrong = key(*command, *here)
        assert (status, shown) == (1, "") and "set `server: {stored_keys: true}` in it first" in wrong
        assert "--policy FILE" in wrong and "Nothing was changed" in wrong and listed(key) == before
    for command in commands:
        assert key(*command, *here, "--policy", str(tmp_path / "next.yaml"))[0] == 0


def test_a_key_may_be_narrowed_and_ended_whatever_the_policy_takes(key: Command, tmp_path: Path) -> None:
    key("new", "app", "--store")
    (tmp_path / LAST_GOOD).write_text(TAKING_NONE)
    for command in (["edit", "app", "--models", "chat"], ["revoke", "app"]):
        assert key(*command, "--data-dir", str(tmp_path))[0] == 0


@pytest.mark.parametrize(("takes", "status"), [(True, 0), (False, 1)])
def test_where_no_policy_is_known_here_the_gateways_of_the_ledger_say_whether_they_take_it(
    key: Command, ledger: Valkey, takes: bool, status: int
) -> None:
    worker = WorkerStatus("w", "h", 1, 0.0, time.time(), "v", stored_keys=takes)
    ledger.hset(SHARED_KEY, "worker|w", msgspec.msgpack.encode(worker))
    done, _, wrong = key("new", "app", "--store")
    assert done == status and ("no gateway on this ledger takes its keys" in wrong) != takes
    assert len(listed(key)) == takes


def test_a_policy_that_is_named_and_cannot_be_used_is_an_error(key: Command, tmp_path: Path) -> None:
    status, shown, wrong = key("new", "app", "--store", "--policy", str(tmp_path / "none.yaml"))
    assert (status, shown) == (2, "") and "--policy" in wrong and listed(key) == []


def test_a_key_expires_after_a_time_or_with_its_last_day(key: Command, ledger: Valkey) -> None:
    ledger.set(TIMEZONE_KEY, "Europe/Berlin")
    key("new", "a", "--store", "--expires", "30d")
    key("new", "b", "--store", "--expires", "2099-06-30")
    a, b = listed(key)
    assert a["expires"] == pytest.approx(a["created"] + 30 * 86_400, abs=10)
    assert b["expires"] == 4_086_540_000  # 2099-07-01 00:00 in Berlin
    assert "2099-06-30 22:00 UTC" in key("list")[1]
    status, _, wrong = key("new", "c", "--store", "--expires", "2020-01-01")
    assert status == 1 and "give a later time" in wrong


def test_the_list_is_for_people_and_has_no_whole_hash(key: Command) -> None:
    assert "No keys are stored" in key("list")[1]
    secret = secret_in(key("new", "app", "--store", "--models", "chat", "--sensitivity", "internal")[1])
    heading, line = key("list")[1].splitlines()
    digest = sha256(secret.encode()).hexdigest()
    assert heading.split()[:4] == ["name", "team", "state", "expires"]
    assert line.split() == ["app", "default", "active", "never", digest[:8], "chat;", "at", "least", "internal", "none"]
    assert digest[:9] not in line


def test_a_ledger_that_cannot_be_reached_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", "new", "app", "--store", "--redis", "redis://:hunter2@127.0.0.1:1"]) == 1
    shown = capsys.readouterr()
    assert "127.0.0.1:1" in shown.err and "--redis" in shown.err and "hunter2" not in shown.err
    assert "bk-" not in shown.out
    assert main(["key", "list", "--redis", "http://x"]) == 2
    assert "the ledger's URL begins with" in capsys.readouterr().err


def test_a_key_can_be_stored_before_the_gateway_first_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ("--data-dir", str(tmp_path / "data"))
    assert main(["key", "list", *where]) == 1
    assert "breakeven serve" in capsys.readouterr().err
    assert main(["key", "new", "app", "--store", *where]) == 0
    capsys.readouterr()
    assert main(["key", "list", *where]) == 0
    assert "app" in capsys.readouterr().out
