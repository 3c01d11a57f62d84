"""Commands that change something leave an entry, as the dashboard does."""

from __future__ import annotations

import getpass
import hashlib
import re
import socket
from pathlib import Path

import msgspec
import pytest
from support.audited import checked

from router.cli import main
from router.core.audit.entry import Entry, read_entry
from router.ledger.errors import LedgerUnavailable
from router.ledger.power import KeptUnits
from router.ledger.redis_keys import AUDIT_KEY, KEYS_KEY, POWER_KEY
from router.ledger.stored_keys import KeyStore


def entries(books) -> list[Entry]:
    lines = books.client.lrange(AUDIT_KEY, 0, -1)
    assert checked(lines) == []
    return list(map(read_entry, lines))


@pytest.fixture
def key(books, capsys):
    def run(*arguments: str) -> tuple[int, str]:
        status = main(["key", *arguments, "--redis", books.url])
        return status, capsys.readouterr().out

    return run


def test_a_key_from_its_making_to_its_end(key, books):
    assert key("new", "app", "--team", "search", "--store", "--budget", "usd_per_month=20")[0] == 0
    status, said = key("rotate", "app", "--grace", "1h")
    assert status == 0 and key("revoke", "app")[0] == 0
    made, rotated, revoked = entries(books)
    assert (made.action, made.subject, made.via, made.address) == ("key.make", "app", "command", socket.gethostname())
    assert made.who == getpass.getuser()
    assert {name: made.new[name] for name in ("team", "budget")} == {"team": "search", "budget": {"usd_per_month": 20}}
    assert (rotated.action, rotated.new["grace_seconds"], revoked.action) == ("key.rotate", 3600, "key.revoke")
    secret = next(word for word in said.split() if word.startswith("bk-"))
    assert secret.encode() not in b"".join(books.client.lrange(AUDIT_KEY, 0, -1))


def test_an_edit_of_a_key_and_of_a_team_says_how_it_was(key, books):
    key("new", "app", "--store", "--models", "chat,embed")
    assert key("edit", "app", "--models", "chat")[0] == 0
    edited = entries(books)[-1]
    assert (edited.action, edited.subject, edited.via) == ("key.edit", "app", "command")
    assert (edited.old["models"], edited.new["models"]) == (["chat", "embed"], ["chat"])
    for action in (
        ["new", "t", "--budget", "usd_per_day=1"],
        ["edit", "t", "--budget", "usd_per_day=2"],
        ["remove", "t"],
    ):
        assert main(["team", *action, "--redis", books.url]) == 0
    told = [(entry.action, entry.old, entry.new) for entry in entries(books)[-3:]]
    one, two = {"usd_per_day": 1}, {"usd_per_day": 2}
    assert told == [("team.make", None, one), ("team.edit", one, two), ("team.remove", two, None)]


def test_keys_of_elsewhere(key, books, tmp_path):
    file = tmp_path / "keys.jsonl"
    file.write_text('{"name": "a", "sha256": "%s", "team": "t"}\n' % ("a" * 64))
    assert key("import", str(file))[0] == 0
    (entry,) = entries(books)
    assert (entry.action, entry.subject) == ("key.import", "keys.jsonl")
    assert entry.new == {"keys": 1, "names": {"a" * 8: "a"}}


def keys_file(path, count: int):
    path.write_text("".join(f'{{"name": "k{n}", "sha256": "{n:08x}{0:056x}"}}\n' for n in range(count)))
    return path


def names_of(told: list[Entry]) -> dict[str, str]:
    return {digest: name for each in told for digest, name in each.new["names"].items()}


def test_of_many_keys_of_elsewhere_each_is_noted(key, books, tmp_path):
    assert key("import", str(keys_file(tmp_path / "keys.jsonl", 450)))[0] == 0
    told = entries(books)
    assert [(each.new["keys"], each.new.get("keys_to_come")) for each in told] == [(200, 250), (200, 50), (50, None)]
    assert names_of(told) == {f"{n:08x}": f"k{n}" for n in range(450)}


def test_keys_that_were_stored_already_are_not_noted_once_more(key, books, tmp_path):
    key("import", str(keys_file(tmp_path / "keys.jsonl", 3)))
    assert key("import", str(tmp_path / "keys.jsonl"))[0] == 0
    assert len(entries(books)) == 1
    key("import", str(keys_file(tmp_path / "keys.jsonl", 5)))
    assert names_of(entries(books)[1:]) == {"00000003": "k3", "00000004": "k4"}


def test_an_import_that_is_refused_stored_nothing_and_noted_nothing(key, books, tmp_path):
    key("new", "k440", "--store")
    assert key("import", str(keys_file(tmp_path / "keys.jsonl", 450)))[0] == 1
    assert [each.action for each in entries(books)] == ["key.make"]


def test_of_an_import_that_ends_halfway_the_audit_has_what_was_stored(key, books, tmp_path, monkeypatch):
    write, written = KeyStore._write, []

    async def third_fails(self, version, keys):
        written.append(version)
        if len(written) == 3:
            raise LedgerUnavailable("it went away")
        return await write(self, version, keys)

    monkeypatch.setattr(KeyStore, "_write", third_fails)
    assert key("import", str(keys_file(tmp_path / "keys.jsonl", 450)))[0] == 1
    *done, asked, failed = entries(books)
    assert set(names_of(done).values()) == {f"k{n}" for n in range(400)} and books.client.hlen(KEYS_KEY) == 400
    assert (failed.old, failed.new, failed.note) == (asked.new, None, "it was not done: it went away")


BEGUN = [["key", "new", "app", "--store", "--team", "search"], ["team", "new", "search", "--budget", "usd_per_day=1"]]
CHANGES = {
    "key.edit": (["key", "edit", "app", "--zones", "local"], {"team": "search"}),
    "key.rotate": (["key", "rotate", "app"], {}),
    "key.revoke": (["key", "revoke", "app"], {"team": "search"}),
    "team.edit": (["team", "edit", "search", "--budget", "usd_per_day=2"], {"usd_per_day": 1}),
    "team.remove": (["team", "remove", "search"], {"usd_per_day": 1}),
    "power.order": (["power", "off", "gpu"], {"order": "auto"}),
}
"""By what it notes: a command, and what was there before."""
BEGINNINGS = {"key.make", "key.import", "team.make"}


@pytest.mark.parametrize(("action", "command", "before"), [(name, *each) for name, each in CHANGES.items()])
def test_a_command_that_changes_something_notes_how_it_was(action, command, before, books, capsys):
    for each in BEGUN:
        main([*each, "--redis", books.url])
    secret = capsys.readouterr().out.partition("bk-")[2][:43]
    gpu = msgspec.msgpack.encode(KeptUnits(ordered_at=1e12))
    books.client.hset(POWER_KEY, "state|gpu", gpu)
    assert main([*command, "--redis", books.url]) == 0
    entry = entries(books)[-1]
    assert entry.action == action and entry.old.items() >= before.items()
    if action.startswith("key."):
        assert entry.old["key"] == hashlib.sha256(f"bk-{secret}".encode()).hexdigest()[:8]


def test_each_change_that_a_command_makes_is_one_of_these():
    sources = (path.read_text() for path in (Path(__file__).parents[2] / "router/cli").glob("*.py"))
    noted = {action for text in sources for action in re.findall(r'noted\(\s*url,\s*"([\w.-]+)"', text)}
    assert noted == CHANGES.keys() | BEGINNINGS


def test_of_a_key_that_works_on_for_its_grace_the_end_of_the_one_in_its_place_is_noted(key, books):
    key("new", "app", "--store")
    key("rotate", "app", "--grace", "1h")
    rotated = entries(books)[-1]
    assert key("revoke", "app")[0] == 0
    assert entries(books)[-1].old["key"] == rotated.new["key"] != rotated.old["key"]


def test_what_was_not_done_says_so(key, books):
    key("new", "app", "--store")
    assert key("new", "app", "--store")[0] == 1
    _, asked, failed = entries(books)
    assert asked.note == "" and failed.note.startswith("it was not done: there is a stored key app already")


@pytest.mark.parametrize("action", ["revoke", "rotate"])
def test_what_was_never_there_changes_nothing_and_notes_nothing(action, key, books):
    assert key(action, "nobody")[0] == 1
    assert entries(books) == []


def test_what_cannot_be_noted_is_not_done(key, books):
    books.client.set(AUDIT_KEY, "something else")
    assert key("new", "app", "--store")[0] == 1
    assert books.client.hlen(KEYS_KEY) == 0
