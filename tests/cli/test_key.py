from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
import yaml

from router.cli import main
from router.cli.key import _limit, entry, new_key
from router.config.load import load


def test_a_key_is_shown_once_and_its_entry_has_only_the_hash(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", "new", "search-app", "--team", "search"]) == 0
    shown = capsys.readouterr().out
    (key,) = re.findall(r"bk-[\w-]{43}(?![\w-])", shown)
    digest = hashlib.sha256(key.encode()).hexdigest()
    assert f'- {{name: "search-app", sha256: "{digest}", team: "search"}}' in shown


def test_keys_differ() -> None:
    assert new_key() != new_key()
    assert re.fullmatch(r"bk-[A-Za-z0-9_-]{43}", new_key())


@pytest.mark.parametrize("name", ["search-app", "7", "no", "a:b", "{x}", '"', "é", "#1"])
def test_the_entry_can_be_pasted_whatever_the_name(name: str, tmp_path: Path) -> None:
    pasted = f"""\
version: 1
zones: {{local: {{owned: true}}}}
backends: {{b: {{zone: local, kind: vllm, url: http://x/v1, serves: {{m: m}}}}}}
models: {{m: {{backends: [b]}}}}
keys:
  {entry("bk-x", {"name": name, "team": "web"})}
"""
    assert yaml.safe_load(pasted)["keys"][0]["name"] == name
    (tmp_path / "p.yaml").write_text(pasted)
    grant = load(tmp_path / "p.yaml").keys[hashlib.sha256(b"bk-x").hexdigest()]
    assert (grant.name, grant.team) == (name, "web")


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
    ("text", "path", "value"),
    [
        ("usd_per_month=200", ["usd_per_month"], 200),
        ("cloud.usd_per_day=0.5", ["cloud", "usd_per_day"], 0.5),
        ("models.gpt-4.1.usd_per_day=2", ["models", "gpt-4.1", "usd_per_day"], 2),
        ("models.gpt-4.1.cloud.usd_per_day=2", ["models", "gpt-4.1", "cloud", "usd_per_day"], 2),
        ("on_budget_exhausted=local_only", ["on_budget_exhausted"], "local_only"),
    ],
)
def test_a_limit_names_a_setting_of_the_budget(text: str, path: list[str], value: object) -> None:
    assert _limit(text) == (path, value)


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
