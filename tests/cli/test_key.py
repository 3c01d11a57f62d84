from __future__ import annotations

import hashlib
import re

import pytest
import yaml

from router.cli import main


def test_a_key_is_shown_once_and_its_entry_has_only_the_hash(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", "new", "search-app", "--team", "search"]) == 0
    shown = capsys.readouterr().out
    (key,) = re.findall(r"bk-[\w-]{43}(?![\w-])", shown)
    digest = hashlib.sha256(key.encode()).hexdigest()
    assert f'- {{name: "search-app", sha256: "{digest}", team: "search"}}' in shown


@pytest.mark.parametrize("name", ["", "two words", "a|b", "x" * 129, "a\n"])
def test_a_name_that_the_policy_would_refuse_is_refused(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["key", "new", name])
    assert caught.value.code == 2
    assert "a name has 1 to 128 characters" in capsys.readouterr().err


def test_what_the_key_may_do_is_pasted_too(capsys: pytest.CaptureFixture[str]) -> None:
    rights = ("--models", "chat,embed", "--zones", "local", "--sensitivity", "internal", "--tags", "phi")
    assert main(["key", "new", "app", *rights]) == 0
    (item,) = yaml.safe_load(capsys.readouterr().out.split("policy:")[1])
    del item["sha256"]
    assert item == {
        "name": "app",
        "team": "default",
        "models": ["chat", "embed"],
        "zones": ["local"],
        "sensitivity": "internal",
        "tags": ["phi"],
    }


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--expires", "30d"], "--expires needs --store"),
        (["--budget", "cloud=1", "--budget", "cloud.usd_per_day=1"], "cloud cannot have both"),
        (["--budget", "usd_per_day=1", "--budget", "usd_per_day=2"], "usd_per_day is given twice"),
        (["--budget", "usd_per_fortnight=1"], "unknown key"),
    ],
)
def test_what_contradicts_itself_is_said(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", "new", "app", *arguments]) == 2
    shown = capsys.readouterr()
    assert said in shown.err and shown.out == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["new", "app", "--store", "--expires", "soon"], "a time such as 12h or 30d, or a day"),
        (["new", "app", "--budget", "200"], "a limit is LIMIT=N"),
        (["new", "app", "--models", "a,,b"], "a name has 1 to 128 characters"),
        (["rotate", "app", "--grace", "1"], "a whole number and a unit"),
    ],
)
def test_a_wrong_argument_is_explained(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["key", *arguments])
    assert caught.value.code == 2
    assert said in capsys.readouterr().err
