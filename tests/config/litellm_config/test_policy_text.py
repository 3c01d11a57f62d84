from __future__ import annotations

import pytest
import yaml
from msgspec.structs import replace

from router.config.litellm_config.backends import MadeBackend
from router.config.litellm_config.limits import Limits
from router.config.litellm_config.models import MadeModel
from router.config.litellm_config.notes import Note
from router.config.litellm_config.policy_text import MadePolicy, scalar, text_of

GPU = MadeBackend(
    name="gpu",
    zone="local",
    kind="vllm",
    urls=("http://10.0.0.1:8000/v1", "http://10.0.0.2:8000/v1"),
    api_base="",
    api_key="env:VLLM_KEY",
    settings=(("answer_timeout", "90s"),),
    serves={"a": ("org/model", (("context", "4096"),)), "b-*": ("*", ())},
    notes=(Note(("model_list", 0, "x"), "first", True), Note(("model_list", 1, "x"), "first", True)),
)
POLICY = MadePolicy(
    source="config.yaml",
    backends=[GPU],
    models=[MadeModel("a", ("gpu",), ("yes", "other:1")), MadeModel("b-*", ("gpu",))],
    secrets={"VLLM_KEY": ["10.0.0.1:8000"]},
    limits=Limits((("usd_per_day", "5"),), {"a": (("requests_per_minute", "60"),)}),
    retry=(("attempts", "3"),),
    health=(),
    strategy="local_first",
    notes={"keys": (Note(("general_settings", "master_key"), "make keys"),)},
)


def shown(policy: MadePolicy = POLICY, *problems: str) -> str:
    return text_of(policy, lambda note: 7, problems)


def test_it_is_yaml_that_says_what_was_made():
    data = yaml.safe_load(shown())
    assert data["zones"] == {"local": {"owned": True}}
    assert data["backends"]["gpu"] == {
        "zone": "local",
        "kind": "vllm",
        "urls": list(GPU.urls),
        "api_key": "env:VLLM_KEY",
        "answer_timeout": "90s",
        "serves": {"a": {"model": "org/model", "context": 4096}, "b-*": "*"},
    }
    assert data["models"] == {"a": {"backends": ["gpu"], "aliases": ["yes", "other:1"]}, "b-*": {"backends": ["gpu"]}}
    assert data["budget"] == {"usd_per_day": 5, "models": {"a": {"requests_per_minute": 60}}}
    assert data["secrets"] == {"VLLM_KEY": ["10.0.0.1:8000"]}
    assert (data["cost"], data["retry"]) == ({"strategy": "local_first"}, {"attempts": 3})
    assert "health" not in data


def test_a_note_stands_before_what_it_is_about_and_once():
    lines = shown().splitlines()
    assert lines.index("  # TO DO: config.yaml:7: model_list[0].x: first") == lines.index("  gpu:") - 1
    assert shown().count("first\n") == 1 and "stands below once" in shown()
    assert lines[-1] == "# config.yaml:7: general_settings.master_key: make keys"


def test_what_is_left_is_said_first():
    done = replace(POLICY, backends=[replace(GPU, notes=())])
    assert "Nothing is left to do." in shown(done)
    assert "Nothing is left to do." not in shown(done, "backends.gpu: no price")
    assert shown(done, "backends.gpu: no price").splitlines()[2] == "# - backends.gpu: no price"


def test_what_may_leave_is_spoken_of_where_something_can():
    outside = replace(GPU, name="cloud", zone="cloud", kind="openai", notes=())
    assert "sensitivity" not in shown()
    assert "sensitivity" in shown(replace(POLICY, backends=[GPU, outside]))


def test_no_line_is_longer_than_an_editor_shows_and_no_text_ends_a_comment():
    sly = Note(("a", "b\nversion: 2"), "x " * 200 + "\nzones: {}\u2028models: {}")
    text = shown(replace(POLICY, notes={"": (sly,)}))
    assert max(map(len, text.splitlines())) <= 118
    assert yaml.safe_load(text) == yaml.safe_load(shown())


@pytest.mark.parametrize(
    "text", ["a", "yes", "Null", "1e3", "*", "gpt-4o", "a: b", "org/model", "qwen3:8b", "ä", '"', "- a", "env:KEY", "#"]
)
def test_a_text_is_read_back_as_it_was(text):
    assert yaml.safe_load(f"k: {scalar(text)}") == {"k": text}
