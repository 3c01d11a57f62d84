"""Where requests may go: what a backend names, or where its provider is known to be."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from router.config.backend_hosts import host_of, hosts_of, identity_hosts
from router.config.load import PolicyError
from router.config.providers import PROVIDERS
from router.core.backend_kinds import LitellmBackend, OpenAIBackend
from router.core.host_patterns import permits, split_host
from router.core.values import Plan

PlanOf = Callable[[str], Plan]


def litellm(model: str, **more: object) -> LitellmBackend:
    return LitellmBackend.model_validate({"zone": "cloud", "kind": "litellm", "serves": {"m": model}, **more})


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://api.openai.com/v1", "api.openai.com:443"),
        ("http://GPU.example.com/v1", "gpu.example.com:80"),
        ("http://127.0.0.1:8000/v1", "127.0.0.1:8000"),
        ("http://[::1]:8000", "[::1]:8000"),
        ("nothing", ":0"),
    ],
)
def test_the_host_of_an_address(url: str, host: str) -> None:
    assert host_of(url) == host


def test_a_backend_with_an_address_goes_there_alone() -> None:
    given = {"zone": "cloud", "kind": "openai", "serves": {"m": "m"}}
    urls = ("http://10.0.0.1:8000/v1", "https://gpu.example.com/v1")
    backend = OpenAIBackend.model_validate({**given, "urls": urls})
    assert hosts_of(backend) == ("10.0.0.1:8000", "gpu.example.com:443")
    assert hosts_of(litellm("anthropic/x", api_base="http://127.0.0.1:1/v1")) == ("127.0.0.1:1",)


def test_a_providers_hosts_are_known_and_named_ones_take_their_place() -> None:
    assert hosts_of(litellm("anthropic/x")) == ("api.anthropic.com:443",)
    assert hosts_of(litellm("anthropic/x", hosts=["eu.example.com"])) == ("eu.example.com",)
    assert hosts_of(litellm("unheard-of/x")) == hosts_of(litellm("plain")) == ()


def test_a_machines_identity_is_asked_for_only_without_a_key() -> None:
    assert permits(identity_hosts(litellm("bedrock/x")), "sts.eu-west-1.amazonaws.com", 443)
    assert identity_hosts(litellm("bedrock/x", api_key="env:K")) == ()


@pytest.mark.parametrize("name", PROVIDERS)
def test_hosts_of_providers_are_theirs_alone_and_spoken_to_with_tls(name: str) -> None:
    """A wildcard stands below a name that only the provider can hand out."""
    for pattern in PROVIDERS[name].hosts:
        host, port = split_host(pattern)
        assert port == 443
        assert "*" not in ".".join(host.split(".")[-2:])


def test_a_provider_that_nobody_knows_needs_its_hosts_named(base: str, plan: PlanOf) -> None:
    priced = "{model: acme/m, price: {input: 1, output: 2}}"
    text = base.replace("    kind: openai\n    url: https://api.openai.com/v1\n", "    kind: litellm\n")
    text = text.replace("{model: gpt-x, price: {input: 1, output: 4}}", priced).replace(
        "    api_key: env:OPENAI_API_KEY\n", ""
    )
    with pytest.raises(PolicyError) as caught:
        plan(text)
    (problem,) = caught.value.problems
    assert problem.field == "backends.openai.serves.chat"
    assert '"hosts: [api.example.com]"' in problem.message and "backends.openai" in problem.message
    assert plan(text.replace("kind: litellm\n", "kind: litellm\n    hosts: [api.acme.example]\n")).models


@pytest.mark.parametrize("host", ["https://x.com", "x.com/v1", "user@x.com", "*", "*.*.com", "a..b:x", ""])
def test_what_is_no_host_is_refused(host: str) -> None:
    with pytest.raises(ValueError):
        litellm("anthropic/x", hosts=[host])


@pytest.mark.parametrize("host", ["x.com", "x.com:8443", "*.example.com", "127.0.0.1:8000", "[::1]:80", "localhost"])
def test_hosts_are_names_with_or_without_a_port(host: str) -> None:
    assert litellm("anthropic/x", hosts=[host]).hosts == (host,)


def test_the_address_of_a_backend_is_one_of_its_hosts() -> None:
    backend = litellm("azure/x", api_base="https://mine.openai.azure.com")
    assert hosts_of(backend) == (host_of("https://mine.openai.azure.com"),)


def test_an_owned_zone_has_no_proxy(base: str, plan: PlanOf) -> None:
    assert plan(base.replace("cloud: {}", 'cloud: {proxy: "http://proxy:3128"}')).policy.zones["cloud"].proxy
    with pytest.raises(PolicyError, match="an owned zone has no proxy: what may not leave would pass through it"):
        plan(base.replace("{owned: true}", '{owned: true, proxy: "http://proxy:3128"}'))
