"""docs/sign-in.md has every setting of the provider's file, and its examples load."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from router.admin.auth.oidc.settings import CALLBACK
from router.admin.auth.oidc.settings_file import ProviderFile, read_settings
from router.admin.auth.roles import Role
from tests.docs.markdown import ROOT, Block, blocks
from tests.docs.sign_in import with_settings

PAGE = ROOT / "docs" / "sign-in.md"
EXAMPLES = [block for block in blocks("yml") if block.place.startswith("docs/sign-in.md")]


def test_the_reference_is_current() -> None:
    assert with_settings(PAGE.read_text()) == PAGE.read_text(), "run `make docs`"


@pytest.mark.parametrize("block", EXAMPLES, ids=lambda block: block.place)
def test_an_example_loads(block: Block, tmp_path: Path) -> None:
    (tmp_path / "oidc.yaml").write_text(block.text)
    environment = dict.fromkeys(re.findall(r"env:(\w+)", block.text), "secret")
    text = re.sub(r"file:\S+", "env:FROM_A_FILE", block.text)
    (tmp_path / "oidc.yaml").write_text(text)
    assert read_settings(str(tmp_path / "oidc.yaml"), environment | {"FROM_A_FILE": "secret"}).roles


def test_every_setting_is_shown_and_explained() -> None:
    shown = "".join(block.text for block in EXAMPLES)
    assert len(EXAMPLES) >= 4
    assert {name for name in ProviderFile.model_fields if f"{name}:" not in shown} == set()
    settings = ProviderFile.model_json_schema()["properties"]
    assert set(settings) == set(ProviderFile.model_fields)
    assert all(setting["description"] for setting in settings.values())


def test_every_role_and_the_address_of_the_way_back_are_there() -> None:
    text = PAGE.read_text()
    assert CALLBACK in text and all(f"| {role} |" in text for role in get_args(Role))
