"""All problems of a policy at once, also those that only a policy of the right shape can be asked for."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import yaml
from pydantic import TypeAdapter

from router.config.decode import WrongShapeError, decode
from router.config.load import plan_of
from router.config.problems import PolicyError
from router.config.sound_part import SoundPart, sound_part
from router.core.policy import Policy

POLICY = """\
version: 1
zones: {local: {owned: true}, cloud: {}}
backends:
  gpu: {zone: local, kind: vllm, url: "http://127.0.0.1:8000/v1", serves: {chat: llama}}
  api: {zone: cloud, kind: openai, url: "https://api.openai.com/v1", serves: {chat: gpt-unheard-of}}
  own: {zone: cloud, kind: openai, url: "https://x.example/v1", api_key: env:OPENAI_API_KEY, serves: {chat: gpt-4o}}
models: {chat: {backends: [gpu, api, own]}}
sensitivity:
  levels: {public: [local, cloud], secret: [local]}
  default: public
  detectors:
  - {find: [iban], raise_to: secret}
  - {name: open, pattern: "(", raise_to: secret}
  - {name: other, pattern: "abc", raise_to: secret, matches: [xyz]}
keys: []
cost: {strategy: cheapest}
"""
DEEP = {
    "backends.api.serves.chat",
    "backends.own.api_key",
    "sensitivity.detectors[1].pattern",
    "sensitivity.detectors[2].matches[0]",
}
"""Where something is wrong that is looked at last."""


def fields(text: str) -> set[str]:
    with pytest.raises(PolicyError) as caught:
        plan_of(text.encode(), "policy.yaml", now=datetime(2026, 6, 1, tzinfo=UTC))
    return {problem.field for problem in caught.value.problems}


def test_what_is_wrong_deep_down_is_found() -> None:
    assert fields(POLICY) == DEEP


@pytest.mark.parametrize(
    ("before", "after", "also"),
    [
        ("- {find: [iban], raise_to: secret}", '- {name: x, pattern: "", raise_to: secret}', ".detectors[0].pattern"),
        ("- {find: [iban], raise_to: secret}", "- {find: [ibann], raise_to: secret}", ".detectors[0].find[0]"),
        ("- {find: [iban], raise_to: secret}", "- {find: [iban]}", ".detectors[0]"),
        ("keys: []", "keys: [{name: a, sha256: zz}]", "keys[0].sha256"),
        ("keys: []", "keys: [{name: a}]", "keys[0].sha256"),
        ("strategy: cheapest", "strategy: dearest", "cost.strategy"),
        ("strategy: cheapest", "timezone: Mars", "cost.timezone"),
        ("strategy: cheapest", "colour: red", "cost.colour"),
        ("keys: []", "alerts: {targets: {a: {kind: slack}}}", "alerts.targets.a.url"),
        ("[gpu, api, own]", "[gpu, api, own], aliases: 5", "models.chat.aliases"),
        ("serves: {chat: llama}", "serves: 5", "backends.gpu.serves"),
        ("kind: vllm", "kind: vlllm", "backends.gpu.kind"),
    ],
)
def test_no_wrong_shape_hides_it(before: str, after: str, also: str) -> None:
    text = POLICY.replace(before, after)
    assert text != POLICY
    found = fields(text)
    assert found >= DEEP and any(field.endswith(also) for field in found - DEEP)


def test_nothing_is_made_up_for_what_was_taken_out() -> None:
    """Half a backend would lack its price, and without its secrets' hosts a key would be one too many."""
    sound = POLICY.replace("gpt-unheard-of", "gpt-4o").replace("(", "z").replace("xyz", "abc")
    hosts = "secrets: {OPENAI_API_KEY: [x.example]}\n"
    assert fields(sound + hosts.replace("[x.example]", "5")) == {"secrets.OPENAI_API_KEY"}
    priced = "{model: gpt-unheard-of, price: {input: 1, output: x}}"
    assert fields(sound.replace("chat: gpt-4o}", f"chat: {priced}}}", 1) + hosts) == {
        "backends.api.serves.chat.price.output"
    }


def test_items_of_lists_keep_their_numbers() -> None:
    part = SoundPart({"a": [10, 11, 12, 13, 14]})
    assert part.take_out([("a", 1), ("a", 3)]) and part.data == {"a": [10, 12, 14]}
    assert [part.original(("a", number)) for number in range(3)] == [("a", 0), ("a", 2), ("a", 4)]
    assert part.take_out([("a", 1)]) and part.original(("a", 1, "b")) == ("a", 4, "b")
    assert part.original(("b", 7)) == ("b", 7)
    assert not part.take_out([("c", 1), ()])


def test_keys_may_be_anything_that_yaml_has() -> None:
    assert fields(f"{POLICY}5e5: 1\nx: 2\nnull: 3\n7: 4\n") >= DEEP | {"x"}


@pytest.mark.parametrize("data", ["text", None, [], {}, {"version": 1}, {"version": 2, "zones": {}}, {"zones": 5}])
def test_what_is_no_policy_at_all_has_no_rest(data: object) -> None:
    adapter = TypeAdapter(Policy)
    with pytest.raises(WrongShapeError) as caught:
        decode(data, adapter)
    assert sound_part(data, adapter, caught.value.findings) is None


def test_the_document_itself_is_left_as_it_is() -> None:
    data = yaml.safe_load(POLICY.replace("cheapest", "dearest"))
    with pytest.raises(WrongShapeError) as caught:
        decode(data, TypeAdapter(Policy))
    assert sound_part(data, TypeAdapter(Policy), caught.value.findings) is not None
    assert data["cost"] == {"strategy": "dearest"}
