"""Whatever is written for a setting that takes a number, it gives a plan, or words that name the setting.

The settings are those of the schema, so that none is forgotten.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic import TypeAdapter
from support.policy_numbers import NEVER, NUMBERS, SETTINGS, name_of, policy_with

from router.cli import main
from router.config import decode
from router.config.decode import adapter_of
from router.config.load import PolicyError, plan_of
from router.config.schema import annotated
from router.core.policy import Policy

NOW = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture(scope="module", autouse=True)
def one_schema():
    """pydantic makes it anew for every refusal, which takes a tenth of a second."""
    made = annotated(adapter_of(Policy).json_schema())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TypeAdapter, "json_schema", lambda self: made)
        patch.setattr(decode, "annotated", lambda schema: schema)
        yield


def refusal(text: str) -> str:
    """Empty where it is a policy."""
    try:
        plan_of(text.encode(), "policy.yaml", now=NOW)
    except PolicyError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("setting", SETTINGS)
def test_every_number_is_taken_or_refused_in_words_that_name_the_setting(setting):
    for kind, number in NUMBERS.items():
        said = refusal(policy_with(SETTINGS[setting], number))
        assert not said or name_of(SETTINGS[setting]) in said, kind
        assert len(said) < 3000 and "9" * 50 not in said, kind
        assert said or kind not in NEVER, kind


def test_the_command_ends_in_words_for_what_is_taken_and_for_what_is_not(tmp_path, capsys):
    texts = [policy_with(path, NUMBERS["a million billions"]) for path in SETTINGS.values()]
    files = [tmp_path / f"{number}.yaml" for number in range(len(texts))]
    for file, text in zip(files, texts, strict=True):
        file.write_text(text)
    refused = [str(file) for file, text in zip(files, texts, strict=True) if refusal(text)]
    assert main(["check", *map(str, files), "--data-dir", str(tmp_path / "none")]) == 1
    told = capsys.readouterr()
    assert [file for file in map(str, files) if f"ok {file}" not in told.out] == refused
    assert [file for file in refused if f"{file}:" not in told.err] == []
