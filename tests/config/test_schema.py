"""The schema cannot be checked by a validator here, so what editors rely on is checked fact by fact."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from router.config.schema import policy_schema
from router.core.backend_kinds import Price

SCHEMA = policy_schema()
POLICIES = sorted(path for path in (Path(__file__).parents[2] / "policies").glob("*.yaml") if ".cases" not in path.name)


def test_it_says_what_it_is() -> None:
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert SCHEMA["title"] and SCHEMA["description"]
    assert "$id" not in SCHEMA
    json.dumps(SCHEMA)


def test_required_keys_and_no_others() -> None:
    assert SCHEMA["required"] == ["version", "zones", "backends", "models"]
    sections = [section for section in SCHEMA["$defs"].values() if section.get("type") == "object"]
    assert all(section["additionalProperties"] is False for section in (SCHEMA, *sections))


def test_defaults_are_written_as_in_the_file() -> None:
    health = SCHEMA["$defs"]["Health"]["properties"]
    assert health["probe_interval"]["default"] == "2s"
    assert SCHEMA["$defs"]["Retry"]["properties"]["backoff"]["default"] == "0.05s"
    assert SCHEMA["$defs"]["Cost"]["properties"]["strategy"]["default"] == "threshold"


def test_secrets_are_references() -> None:
    for kind in ("VllmBackend", "OpenAIBackend", "LitellmBackend"):
        assert SCHEMA["$defs"][kind]["properties"]["api_key"]["anyOf"][0]["pattern"] == "^(env|file):.+"


def test_examples_are_valid_for_their_field() -> None:
    for section in (SCHEMA, *SCHEMA["$defs"].values()):
        for name, field in section.get("properties", {}).items():
            for example in field.get("examples", ()):
                assert list(wrong(example, field, name)) == []


@pytest.mark.parametrize(
    "price",
    [
        *({}, {"input": 1}, {"output": 1}, {"request": 1}, {"cached_input": 1}, {"audio_input": 1}),
        *({"input": 1, "output": 1}, {"second": 1}, {"characters": 1}, {"image": 1}, {"images": {"hd": 1}}),
        {"searches": 1},
        *({"second": 1, "input": 1}, {"image": 1, "output": 1, "request": 1}),
    ],
)
def test_it_wants_of_a_price_what_is_really_needed(price: dict[str, Any]) -> None:
    try:
        Price.model_validate(price)
        valid = True
    except ValidationError:
        valid = False
    assert (not list(wrong(price, SCHEMA["$defs"]["Price"], "price"))) is valid


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.name)
def test_the_shipped_policies_are_valid_by_it(path: Path) -> None:
    assert list(wrong(yaml.safe_load(path.read_text()), SCHEMA, "")) == []


def test_the_small_validator_of_these_tests_notices_mistakes() -> None:
    policy = yaml.safe_load(POLICIES[0].read_text())
    policy["colour"] = "red"
    policy["cost"]["strategy"] = "cheap"
    del policy["zones"]
    assert sorted(wrong(policy, SCHEMA, "")) == [
        " lacks zones",
        ".colour is unknown",
        ".cost.strategy is not permitted",
    ]


TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}


def wrong(value: Any, schema: dict[str, Any], where: str) -> Iterator[str]:
    """What a validator would say, for the keywords that the schema uses."""
    if "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
    for alternatives in ("anyOf", "oneOf"):
        if alternatives in schema and all(list(wrong(value, each, where)) for each in schema[alternatives]):
            yield f"{where} fits none of its alternatives"
    permitted = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if permitted is not None and value not in permitted:
        yield f"{where} is not permitted"
    if "type" in schema and not isinstance(value, TYPES[schema["type"]]):
        yield f"{where} is no {schema['type']}"
    elif isinstance(value, dict):
        yield from wrong_keys(value, schema, where)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from wrong(item, schema.get("items", {}), f"{where}[{index}]")


def wrong_keys(value: dict[str, Any], schema: dict[str, Any], where: str) -> Iterator[str]:
    yield from (f"{where} lacks {key}" for key in schema.get("required", ()) if key not in value)
    named = schema.get("properties", {})
    other = next(iter(schema.get("patternProperties", {}).values()), schema.get("additionalProperties", {}))
    for key, item in value.items():
        below = named.get(key, other)
        if below is False:
            yield f"{where}.{key} is unknown"
        else:
            yield from wrong(item, below, f"{where}.{key}")
