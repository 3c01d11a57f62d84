"""The policy's own rules; what whole files look like is tested in tests/config."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from router.core.backend_kinds import Served
from router.core.money import GREATEST_USD
from router.core.policy import Budget, Mix, Policy

MINIMAL: dict[str, Any] = {
    "version": 1,
    "zones": {"local": {"owned": True}},
    "backends": {"gpu": {"zone": "local", "kind": "vllm", "url": "http://127.0.0.1:8000/v1", "serves": {"chat": "m"}}},
    "models": {"chat": {"backends": ["gpu"]}},
}


def changed(**sections: Any) -> dict[str, Any]:
    return MINIMAL | sections


def backend(**fields: Any) -> dict[str, Any]:
    return changed(backends={"gpu": {"zone": "local", "kind": "openai", "serves": {"chat": "m"}} | fields})


def detector(**fields: Any) -> dict[str, Any]:
    return changed(sensitivity={"levels": {"a": ["local"]}, "detectors": [fields]})


REFUSED = {
    "hours": (changed(rules=[{"name": "r", "when": {"hours": "0-6"}}]), "two-digit hours"),
    "a time zone": (changed(cost={"timezone": "Mars/Olympus"}), "IANA name"),
    "a key in the file": (backend(url="http://x/v1", api_key="sk-plain"), "env:NAME or file:PATH"),
    "neither url nor urls": (backend(), "either url or urls"),
    "both url and urls": (backend(url="http://x/v1", urls=["http://y/v1"]), "either url or urls"),
    "credentials in a url": (backend(url="http://user:pass@x/v1"), "pattern"),
    "a detector without effect": (
        changed(sensitivity={"levels": {"a": ["local"]}, "detectors": [{"find": ["iban"]}]}),
        "raise_to, tag or both",
    ),
    "a detector of nothing": (detector(raise_to="a"), "a detector needs"),
    "a name without a pattern": (detector(find=["iban"], name="own", raise_to="a"), "belong to a detector with"),
    "both kinds and a pattern": (detector(find=["iban"], pattern="A1", name="own", raise_to="a"), "either find or"),
    "a pattern without a name": (detector(pattern="A1", raise_to="a"), "needs a"),
    "shares that do not add up": (changed(cost={"mix": {"input": 0.5, "output": 0.1}}), "add up to 1"),
    "an unknown section": (changed(budgets={}), "Extra inputs"),
    "a hash that is none": (changed(keys=[{"name": "k", "sha256": "abc"}]), "pattern"),
}


@pytest.mark.parametrize(("file", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused(file: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Policy.model_validate(file)


def test_a_secret_never_appears_in_the_error_that_refuses_it() -> None:
    with pytest.raises(ValidationError) as caught:
        Policy.model_validate(backend(url="http://x/v1", api_key="sk-plain"))
    assert all("sk-plain" not in error["msg"] for error in caught.value.errors())


def test_defaults_are_those_of_the_documentation() -> None:
    policy = Policy.model_validate(MINIMAL)
    assert policy.cost.strategy == "threshold"
    assert policy.cost.threshold_tokens_per_day == 500_000
    assert policy.cost.mix == Mix(input=0.75, cached=0.0, output=0.25)
    assert policy.ledger.on_loss == "refuse"
    assert (policy.retry.deadline, policy.server.max_answer_bytes) == (600.0, 32_000_000)
    assert (policy.ledger.holds, policy.budget, policy.teams) == ("learned", None, {})
    assert Budget() == Budget(models={}, soft=0.8, on_budget_exhausted="refuse")


def test_hours_and_time_zones_that_exist_are_taken() -> None:
    rule = {"name": "night", "when": {"hours": "22-04"}}
    policy = Policy.model_validate(changed(rules=[rule], cost={"timezone": "Europe/Berlin"}))
    assert (policy.rules[0].when.hours, policy.cost.timezone) == ("22-04", "Europe/Berlin")


def test_values_cannot_change() -> None:
    policy = Policy.model_validate(MINIMAL)
    with pytest.raises(ValidationError, match="frozen"):
        policy.version = 1  # type: ignore[misc]


def numbers(node: Any, name: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every number of a JSON Schema that may be any, with the name of its field."""
    if isinstance(node, dict):
        if node.get("type") in ("integer", "number") and "enum" not in node:
            yield name, node
        for key, value in node.items():
            yield from numbers(value, name if key in ("anyOf", "items", "properties") or not name else f"{name}.{key}")
    elif isinstance(node, list):
        for value in node:
            yield from numbers(value, name)


def test_every_number_has_bounds() -> None:
    """What is beyond all sense overflows far from here: in the ledger, where every request would wait for it."""
    found = [
        (f"{section}.{name}", node)
        for section, schema in Policy.model_json_schema()["$defs"].items()
        for field, properties in schema.get("properties", {}).items()
        for name, node in numbers(properties, field)
    ]
    assert len(found) > 60
    unbounded = [
        name
        for name, node in found
        if not ({"minimum", "exclusiveMinimum"} & node.keys() and {"maximum", "exclusiveMaximum"} & node.keys())
    ]
    assert unbounded == []


@pytest.mark.parametrize(
    ("section", "field"),
    [
        ("retry", "deadline"),
        ("health", "probe_interval"),
        ("health", "probe_timeout"),
        ("ledger", "timeout"),
        ("ledger", "lease"),
        ("server", "header_timeout"),
        ("server", "body_timeout"),
    ],
)
def test_what_has_to_happen_gets_some_time(section: str, field: str) -> None:
    with pytest.raises(ValidationError, match="above 0s"):
        Policy.model_validate(changed(**{section: {field: "0s"}}))
    Policy.model_validate(changed(**{section: {field: "1ms"}}))


@pytest.mark.parametrize("field", ["connect", "first_byte", "answer", "idle", "stream"])
def test_a_backend_gets_some_time(field: str) -> None:
    gpu = MINIMAL["backends"]["gpu"]
    with pytest.raises(ValidationError, match="above 0s"):
        Policy.model_validate(changed(backends={"gpu": gpu | {f"{field}_timeout": "0s"}}))


def test_one_may_not_wait_at_all() -> None:
    Policy.model_validate(changed(retry={"max_rest": "0s", "backoff": "0s", "max_backoff": "0s"}))


@pytest.mark.parametrize("port", ["0", "65536", "99999", "http", "1e3", "-1"])
def test_an_address_has_a_port_that_there_is(port: str) -> None:
    gpu = MINIMAL["backends"]["gpu"]
    with pytest.raises(ValidationError, match="1 to 65535"):
        Policy.model_validate(changed(backends={"gpu": gpu | {"url": f"http://127.0.0.1:{port}/v1"}}))
    with pytest.raises(ValidationError, match="1 to 65535"):
        Policy.model_validate(changed(zones={"local": {"proxy": f"http://127.0.0.1:{port}"}}))


@pytest.mark.parametrize("url", ["http://[::1/v1", "http://[x]/v1", "http://a\u2100b/v1"])
def test_an_address_that_is_none_is_told_so(url: str) -> None:
    gpu = MINIMAL["backends"]["gpu"]
    with pytest.raises(ValidationError, match=r"such as http://127\.0\.0\.1:8000/v1"):
        Policy.model_validate(changed(backends={"gpu": gpu | {"url": url}}))


def test_the_longest_request_at_the_dearest_price_is_within_what_the_ledger_can_count() -> None:
    schema = Policy.model_json_schema()["$defs"]
    dearest = schema["Price"]["properties"]["output"]["maximum"]
    longest = schema["Served"]["properties"]["context"]["anyOf"][0]["maximum"]
    [multiple] = schema["Served"]["properties"]["service_tiers"]["patternProperties"].values()
    assert 2 * longest * dearest * multiple["maximum"] / 1_000_000 < GREATEST_USD


def test_the_standard_service_tier_has_no_multiple() -> None:
    assert Served.model_validate({"model": "m", "service_tiers": {"flex": 0.5}}).service_tiers == {"flex": 0.5}
    with pytest.raises(ValidationError, match="the tier that the price is of"):
        Served.model_validate({"model": "m", "service_tiers": {"auto": 1.0}})


def test_an_owned_zone_has_no_proxy() -> None:
    with pytest.raises(ValidationError, match="an owned zone has no proxy"):
        Policy.model_validate(changed(zones={"local": {"owned": True, "proxy": "http://127.0.0.1:3128"}}))
