from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter

from router.config.decode import WrongShapeError, decode
from router.config.problems import MOST_PROBLEMS
from router.core.backend_kinds import Backend
from router.core.policy import Key, Retry

BACKEND: TypeAdapter[Any] = TypeAdapter(Backend)
GPU = {"zone": "local", "kind": "vllm", "url": "http://127.0.0.1:8000/v1", "serves": {"chat": "m"}}


def findings(data: Any, adapter: Any) -> dict[str, str]:
    with pytest.raises(WrongShapeError) as told:
        decode(data, adapter)
    return {".".join(map(str, each.path)): each.message for each in told.value.findings}


def test_what_is_right_becomes_its_type() -> None:
    assert decode(GPU, BACKEND).url == GPU["url"]
    assert decode({"attempts": 2}, TypeAdapter(Retry)).attempts == 2


def test_everything_that_is_wrong_is_found_at_once() -> None:
    found = findings({"attempts": "many", "budget": 2, "deadlin": "3s"}, TypeAdapter(Retry))
    assert found.keys() == {"attempts", "budget", "deadlin"}
    assert 'did you mean "deadline"?' in found["deadlin"]


def test_a_misspelt_key_is_not_missing_as_well() -> None:
    data = {name: value for name, value in GPU.items() if name != "zone"} | {"zon": "local"}
    found = findings(data, BACKEND)
    assert found.keys() == {"zon"}


def test_checks_of_a_whole_section_run_although_a_key_is_unknown() -> None:
    data = {name: value for name, value in GPU.items() if name != "url"} | {"colour": "red"}
    found = findings(data, BACKEND)
    assert "colour" in found and any("url" in message for name, message in found.items() if name != "colour")


def test_a_misspelt_kind_is_put_right_to_find_the_rest() -> None:
    found = findings(GPU | {"kind": "vlm", "quality": 7}, BACKEND)
    assert 'did you mean "vllm"?' in found["kind"]
    assert "at most 1" in found["quality"]


def test_the_branch_that_was_meant_is_the_one_that_is_told_of() -> None:
    found = findings(GPU | {"serves": {"chat": {"modell": "m"}}}, BACKEND)
    assert found.keys() == {"serves.chat.modell"}


def test_a_secret_is_not_repeated() -> None:
    found = findings({"name": "app", "sha256": "sk-very-secret"}, TypeAdapter(Key))
    assert "sk-very-secret" not in str(found)


def test_what_was_meant_is_searched_for_the_keys_that_are_told_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    searched = []
    monkeypatch.setattr("router.config.decode.closest", lambda word, known: searched.append(word))
    with pytest.raises(WrongShapeError) as told:
        decode({f"k{number}": 1 for number in range(5_000)}, TypeAdapter(Retry))
    assert MOST_PROBLEMS < len(told.value.findings) < 2 * MOST_PROBLEMS + 5
    assert len(searched) < 5 * MOST_PROBLEMS
