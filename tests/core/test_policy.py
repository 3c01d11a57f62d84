"""The policy's own rules; what whole files look like is tested in tests/config."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from router.core.money import GREATEST_USD
from router.core.policy import Budget, Mix, OpenAIBackend, Policy, Served, VllmBackend, parse_duration

MINIMAL: dict[str, Any] = {
    "version": 1,
    "zones": {"local": {"owned": True}},
    "backends": {"gpu": {"zone": "local", "kind": "vllm", "url": "http://127.0.0.1:8000/v1", "serves": {"chat": "m"}}},
    "models": {"chat": {"backends": ["gpu"]}},
}


@pytest.mark.parametrize(
    ("text", "seconds"), [("250ms", 0.25), ("2s", 2.0), ("1.5s", 1.5), ("15m", 900.0), ("1h", 3600.0)]
)
def test_durations_say_their_unit(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


def test_a_duration_that_was_parsed_already_is_taken() -> None:
    assert parse_duration(timedelta(seconds=3)) == 3.0


@pytest.mark.parametrize("value", ["2", "2 s", "s", "-1s", "1d", 2, None])
def test_anything_else_is_no_duration(value: Any) -> None:
    with pytest.raises(ValueError, match="number and a unit"):
        parse_duration(value)


def changed(**sections: Any) -> dict[str, Any]:
    return MINIMAL | sections


def backend(**fields: Any) -> dict[str, Any]:
    return changed(backends={"gpu": {"zone": "local", "kind": "openai", "serves": {"chat": "m"}} | fields})


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
    assert (policy.ledger.holds, policy.budget, policy.teams) == ("learned", None, {})
    assert Budget() == Budget(models={}, soft=0.8, on_budget_exhausted="refuse")


def test_hours_and_time_zones_that_exist_are_taken() -> None:
    rule = {"name": "night", "when": {"hours": "22-04"}}
    policy = Policy.model_validate(changed(rules=[rule], cost={"timezone": "Europe/Berlin"}))
    assert (policy.rules[0].when.hours, policy.cost.timezone) == ("22-04", "Europe/Berlin")


def test_replicas_are_one_url_or_several() -> None:
    policy = Policy.model_validate(MINIMAL)
    gpu = policy.backends["gpu"]
    assert isinstance(gpu, VllmBackend) and gpu.replicas() == gpu.addresses() == ("http://127.0.0.1:8000/v1",)
    several = Policy.model_validate(backend(urls=["http://a/v1", "http://b/v1"])).backends["gpu"]
    assert isinstance(several, OpenAIBackend) and several.replicas() == ("http://a/v1", "http://b/v1")


def test_backends_of_the_adapter_have_no_url() -> None:
    policy = Policy.model_validate(backend(kind="litellm"))
    assert policy.backends["gpu"].replicas() == policy.backends["gpu"].addresses() == ()
    moved = Policy.model_validate(backend(kind="litellm", api_base="https://llm.example/v1")).backends["gpu"]
    assert moved.addresses() == ("https://llm.example/v1",) and moved.replicas() == ()


@pytest.mark.parametrize(
    ("given", "model", "priced", "provider"),
    [
        ({"kind": "vllm", "url": "http://h/v1"}, "meta/llama", ("", "meta/llama"), "vllm"),
        ({"kind": "openai", "url": "http://h/v1"}, "gpt-4o", ("openai", "gpt-4o"), "openai"),
        ({"kind": "openai", "url": "http://h/v1", "provider": "xai"}, "grok", ("xai", "grok"), "xai"),
        ({"kind": "litellm"}, "vertex_ai/gemini/2", ("vertex_ai", "gemini/2"), "vertex_ai"),
        ({"kind": "litellm"}, "claude", ("", "claude"), "claude"),
    ],
)
def test_a_kind_knows_who_answers(given: dict[str, Any], model: str, priced: tuple[str, str], provider: str) -> None:
    kind = Policy.model_validate(backend(**given)).backends["gpu"]
    assert (kind.priced_as(model), kind.provider_of(model)) == (priced, provider)
    assert kind.provider_of(None) == (given.get("provider") or given["kind"])
    assert "text" in kind.default_modalities


def test_values_cannot_change() -> None:
    policy = Policy.model_validate(MINIMAL)
    with pytest.raises(ValidationError, match="frozen"):
        policy.version = 1  # type: ignore[misc]


def test_a_fingerprint_tells_backends_apart_and_not_how_they_are_written() -> None:
    def fingerprint(**fields: Any) -> str:
        return Policy.model_validate(backend(kind="litellm", **fields)).backends["gpu"].fingerprint()

    assert fingerprint() == fingerprint()
    assert fingerprint(quality=0.5, api_key="env:A") == fingerprint(api_key="env:A", quality=0.5)
    assert len({fingerprint(), fingerprint(zone="cloud"), fingerprint(api_key="env:B"), fingerprint(quality=0.5)}) == 4


def numbers(node: Any, name: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every number of a JSON Schema, with the name of its field."""
    if isinstance(node, dict):
        if node.get("type") in ("integer", "number"):
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


@pytest.mark.parametrize("value", ["8785h", "9" * 400 + "s", "9" * 5000 + "ms"])
def test_a_duration_is_at_most_a_year(value: str) -> None:
    with pytest.raises(ValueError, match="at most 8784h"):
        parse_duration(value)
    assert parse_duration("8784h") == 8784 * 3600


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
