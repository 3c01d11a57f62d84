from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
import yaml

from router.cli import main
from router.cli.key import entry, new_key
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
  {entry("bk-x", name, "web")}
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
