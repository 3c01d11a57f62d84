from __future__ import annotations

import hashlib
from argparse import Namespace
from pathlib import Path

import pytest
import yaml

from router.cli.key_entry import entry, fields
from router.config.load import load


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


def test_only_what_was_asked_for_is_in_it() -> None:
    bare = Namespace(name="app", team="web", models=None, zones=None, sensitivity=None, tags=None, budget=[])
    assert fields(bare) == {"name": "app", "team": "web"}


def test_limits_below_one_another_are_put_together() -> None:
    budget = [(["usd_per_day"], 1), (["cloud", "usd_per_day"], 2), (["cloud", "usd_per_month"], 3)]
    asked = Namespace(name="app", team="web", models=["m"], zones=None, sensitivity=None, tags=None, budget=budget)
    assert fields(asked) == {
        "name": "app",
        "team": "web",
        "models": ["m"],
        "budget": {"usd_per_day": 1, "cloud": {"usd_per_day": 2, "usd_per_month": 3}},
    }
