"""Teams' budgets in the ledger, from the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from router.app.data_dir import LAST_GOOD
from router.cli import main
from router.ledger.redis_keys import AUDIT_KEY, TEAMS_KEY

Command = Callable[..., tuple[int, str, str]]
POLICY = """\
version: 1
zones: {local: {owned: true}}
backends: {gpu: {zone: local, kind: vllm, url: "http://127.0.0.1:9/v1", serves: {chat: llama}}}
models: {chat: {backends: [gpu]}}
server: {stored_keys: true}
teams: {legal: {budget: {usd_per_day: 3}}}
keys: [{name: desk, sha256: "%s", team: legal}]
""" % ("a" * 64)


@pytest.fixture
def team(books, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """`team("remove", "search")` gives the exit status, what was printed, and what was wrong."""

    def run(*arguments: str) -> tuple[int, str, str]:
        status = main(["team", *arguments, "--redis", books.url, "--data-dir", str(tmp_path)])
        shown = capsys.readouterr()
        return status, shown.out, shown.err

    return run


def listed(team: Command) -> list[dict]:
    return json.loads(team("list", "--json")[1])


def test_a_budget_from_its_making_to_its_end(team: Command) -> None:
    assert team("new", "search", "--budget", "usd_per_month=500", "--budget", "cloud.usd_per_day=20")[0] == 0
    assert listed(team) == [
        {
            "name": "search",
            "source": "ledger",
            "budget": {"usd_per_month": 500, "cloud": {"usd_per_day": 20}},
            "members": [],
        }
    ]
    assert team("edit", "search", "--budget", "usd_per_month=800", "--budget", "cloud.usd_per_day=none")[0] == 0
    assert listed(team)[0]["budget"] == {"usd_per_month": 800}
    status, shown, _ = team("remove", "search")
    assert status == 0 and "has no budget in the ledger any more" in shown
    assert listed(team) == []


def test_a_team_is_listed_with_its_keys_whether_it_has_a_budget_or_not(team: Command, books, capsys) -> None:
    for name in ("b", "a"):
        main(["key", "new", name, "--store", "--team", "search", "--redis", books.url])
    main(["key", "rotate", "a", "--grace", "1h", "--redis", books.url])
    main(["key", "new", "gone", "--store", "--team", "old", "--redis", books.url])
    main(["key", "revoke", "gone", "--redis", books.url])
    capsys.readouterr()
    assert listed(team) == [{"name": "search", "source": "", "budget": {}, "members": ["a", "b"]}]
    team("new", "search", "--budget", "usd_per_day=5")
    heading, line = team("list")[1].splitlines()
    assert heading.split() == ["team", "budget", "in", "budget", "keys", "names", "of", "keys"]
    assert line.split() == ["search", "ledger", "usd_per_day=5", "2", "a,", "b"]


def test_of_many_keys_the_first_are_named(team: Command, books, capsys) -> None:
    for number in range(7):
        main(["key", "new", f"k{number}", "--store", "--redis", books.url])
    capsys.readouterr()
    assert team("list")[1].endswith("k0, k1, k2, k3, k4 and 2 more\n")


def test_nothing_to_list_says_how_there_would_be(team: Command) -> None:
    assert "breakeven team new NAME --budget" in team("list")[1]


def test_where_a_policy_is_served_its_teams_are_listed_and_count(team: Command, tmp_path: Path) -> None:
    team("new", "legal", "--budget", "usd_per_day=9")
    (tmp_path / LAST_GOOD).write_text(POLICY)
    assert listed(team) == [
        {"name": "legal", "source": "policy", "budget": {"usd_per_day": 3}, "members": ["desk"]},
    ]


@pytest.mark.parametrize(
    ("policy", "arguments", "said"),
    [
        ("no policy", ["search", "--budget", "usd_per_day=1"], "Gateways take it when their policy says"),
    ],
)
def test_what_the_policy_here_makes_of_it_is_said(
    team: Command, tmp_path: Path, policy: str, arguments: list[str], said: str
) -> None:
    (tmp_path / LAST_GOOD).write_text(policy)
    status, shown, _ = team("new", *arguments)
    assert status == 0 and said in shown


def test_where_no_budget_of_the_ledger_counts_none_is_given_and_one_can_be_taken_away(
    team: Command, tmp_path: Path
) -> None:
    team("new", "search", "--budget", "usd_per_day=1")
    (tmp_path / LAST_GOOD).write_text(POLICY.replace("stored_keys: true", "stored_keys: false"))
    for words in (("new", "sales"), ("edit", "search")):
        status, shown, wrong = team(*words, "--budget", "usd_per_day=2")
        assert (status, shown) == (1, "") and "set `server: {stored_keys: true}` in it first" in wrong
    assert [each["budget"] for each in listed(team) if each["source"] == "ledger"] == [{"usd_per_day": 1}]
    assert team("remove", "search")[0] == 0


@pytest.mark.parametrize(
    ("name", "limit", "status", "said"),
    [
        ("legal", "usd_per_day=1", 1, "the policy names the team legal, and counts"),
        ("search", "models.chta.usd_per_day=1", 2, 'there is no model "chta"'),
    ],
)
def test_a_budget_that_would_not_count_here_is_not_stored(
    team: Command, tmp_path: Path, name: str, limit: str, status: int, said: str
) -> None:
    (tmp_path / LAST_GOOD).write_text(POLICY)
    assert team("new", "search", "--budget", "usd_per_day=1")[0] == 0
    words = ("edit", "search") if name == "search" else ("new", name)
    done, shown, wrong = team(*words, "--budget", limit)
    assert (done, shown) == (status, "") and said in wrong
    assert [each["budget"] for each in listed(team) if each["source"] == "ledger"] == [{"usd_per_day": 1}]


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["new", "search", "--budget", "usd_per_day=1"], 1, "has a budget already: `breakeven team edit` changes it"),
        (["new", "x", "--budget", "usd_per_fortnight=1"], 2, "unknown key"),
        (["new", "x", "--budget", "cloud=1", "--budget", "cloud.usd_per_day=1"], 2, "cloud cannot have both"),
        (["new", "x", "--budget", "soft=0.5"], 2, "would have no limit"),
        (["edit", "search", "--budget", "usd_per_day=none"], 2, "`breakeven team remove` takes a team's budget away"),
        (["edit", "serch", "--budget", "usd_per_day=1"], 1, "no budget in the ledger (there are: search)"),
        (["remove", "serch"], 1, "no budget in the ledger (there are: search)"),
    ],
)
def test_what_cannot_be_done_says_what_to_do_and_changes_and_notes_nothing(
    team: Command, books, arguments: list[str], status: int, said: str
) -> None:
    team("new", "search", "--budget", "usd_per_day=5")
    before = books.client.hgetall(TEAMS_KEY), books.client.lrange(AUDIT_KEY, 0, -1)
    done, shown, wrong = team(*arguments)
    assert (done, shown) == (status, "") and said in wrong
    assert (books.client.hgetall(TEAMS_KEY), books.client.lrange(AUDIT_KEY, 0, -1)) == before


def test_an_edit_that_somebody_else_overtakes_is_not_made(team: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    team("new", "search", "--budget", "usd_per_day=5")
    monkeypatch.setattr("router.ledger.stored_teams.StoredTeam.version", property(lambda self: object()))
    status, _, wrong = team("edit", "search", "--budget", "usd_per_day=6")
    assert status == 1 and "changed by somebody else meanwhile; nothing was changed. Do it again" in wrong


def test_a_ledger_that_cannot_be_reached_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["team", "list", "--redis", "redis://:hunter2@127.0.0.1:1"]) == 1
    wrong = capsys.readouterr().err
    assert "127.0.0.1:1" in wrong and "--redis" in wrong and "hunter2" not in wrong


def test_a_budget_can_be_given_before_the_gateway_first_runs(tmp_path: Path, capsys) -> None:
    where = ("--data-dir", str(tmp_path / "data"))
    assert main(["team", "list", *where]) == 1
    assert "breakeven serve" in capsys.readouterr().err
    assert main(["team", "new", "search", "--budget", "usd_per_day=5", *where]) == 0
    assert main(["team", "list", *where]) == 0
    assert "search" in capsys.readouterr().out
