"""Where a secret may go, and who may change that."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from router.config.load import PolicyError
from router.config.secret_hosts import permitted_hosts, widened
from router.core.policy import Policy
from router.core.values import Plan

PlanOf = Callable[[str], Plan]
URL = "url: https://api.openai.com/v1"
KEY = "api_key: env:OPENAI_API_KEY"


def refused(base: str, plan: PlanOf, **replaced: str) -> str:
    """What is wrong with the base policy with another url, key, or sections at its end."""
    with pytest.raises(PolicyError) as caught:
        plan(changed(base, **replaced))
    (problem,) = caught.value.problems
    assert problem.field == "backends.openai.api_key"
    return problem.message


def changed(
    base: str, *, url: str = "https://api.openai.com/v1", key: str = "env:OPENAI_API_KEY", more: str = ""
) -> str:
    return base.replace(URL, f"url: {url}").replace(KEY, f"api_key: {key}") + more


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example.com/v1",
        "http://api.openai.com/v1",
        "https://api.openai.com.evil.example.com/v1",
        "https://api.openai.com:8443/v1",
        "http://127.0.0.1:8000/v1",
        "https://api.anthropic.com/v1",
        "https://mine.openai.azure.com/v1",
    ],
)
def test_a_known_key_goes_to_its_provider_alone_and_with_tls(url: str, base: str, plan: PlanOf) -> None:
    message = refused(base, plan, url=url)
    assert message.startswith("env:OPENAI_API_KEY may not be sent to ")
    line = message.rpartition("add to the policy's file: ")[2]
    assert plan(changed(base, url=url, more=f"{line}\n")).models, "the line that it gives can be pasted"


@pytest.mark.parametrize("key", ["env:KEY_OF_TEAM_A", "file:/run/secrets/openai"])
def test_any_other_secret_goes_to_providers_that_are_known(key: str, base: str, plan: PlanOf) -> None:
    """A host that a provider hands out to customers could be a stranger's."""
    assert plan(changed(base, key=key)).models
    for url in ("https://evil.example.com/v1", "https://mine.openai.azure.com/v1", "http://127.0.0.1:8000/v1"):
        line = refused(base, plan, key=key, url=url).rpartition("add to the policy's file: ")[2]
        assert plan(changed(base, key=key, url=url, more=f"{line}\n")).models


def test_an_entry_names_all_that_it_permits(base: str, plan: PlanOf) -> None:
    """The provider's own hosts too."""
    more = "secrets: {OPENAI_API_KEY: [llm.example.com]}\n"
    assert plan(changed(base, url="https://llm.example.com/v1", more=more)).models
    message = refused(base, plan, more=more)
    assert '["llm.example.com", "api.openai.com:443"]' in message


def test_a_proxy_that_reads_the_key_has_to_be_permitted(base: str, plan: PlanOf) -> None:
    proxied = base.replace("cloud: {}", 'cloud: {proxy: "http://proxy.example.com:3128"}')
    assert plan(proxied).models, "with TLS it reads nothing"
    more = "secrets: {OPENAI_API_KEY: [llm.example.com]}\n"
    assert "proxy.example.com:3128" in refused(proxied, plan, url="http://llm.example.com/v1", more=more)


def test_a_machines_identity_is_a_secret_as_well(base: str, plan: PlanOf) -> None:
    served = "serves: {chat: {model: vertex_ai/m, price: {input: 1, output: 2}}}"
    vertex = f"kind: litellm\n    api_base: https://evil.example.com\n    {served}"
    text = base[: base.index("    kind: openai")] + f"    {vertex}\n" + base[base.index("models:\n") :]
    with pytest.raises(PolicyError, match="this machine's identity at vertex_ai may not be sent to evil"):
        plan(text)
    assert plan(text.replace("    api_base: https://evil.example.com\n", "")).models


def policy(base: str, plan: PlanOf, secrets: str) -> Policy:
    return plan(base + secrets).policy


@pytest.mark.parametrize(
    ("before", "after", "wider"),
    [
        ("", "", False),
        ("secrets: {A: [a.com]}", "secrets: {A: [a.com]}", False),
        ("secrets: {A: [a.com, b.com]}", "secrets: {A: [b.com]}", False),
        ("secrets: {A: [a.com]}", "secrets: {A: ['a.com:443']}", False),
        ("secrets: {A: ['*.a.com']}", "secrets: {A: ['x.a.com:443']}", False),
        ("", "secrets: {OPENAI_API_KEY: ['api.openai.com:443']}", False),
        ("", "secrets: {A: [evil.com]}", True),
        ("", "secrets: {OPENAI_API_KEY: ['api.openai.com:443', evil.com]}", True),
        ("secrets: {A: [a.com]}", "secrets: {A: [a.com, evil.com]}", True),
        ("secrets: {A: [a.com]}", "secrets: {A: ['*.a.com']}", True),
        ("secrets: {A: ['a.com:443']}", "secrets: {A: [a.com]}", True),
        ("secrets: {A: [a.com]}", "", True),
    ],
)
def test_what_an_edit_adds_is_told(before: str, after: str, wider: bool, base: str, plan: PlanOf) -> None:
    said = widened(policy(base, plan, before), policy(base, plan, after))
    assert bool(said) is wider and ("only in the file itself" in said) is wider


def test_hosts_of_a_key_by_its_usual_names(base: str, plan: PlanOf) -> None:
    made = policy(base, plan, "")
    for name, host in (("ANTHROPIC_API_KEY", "api.anthropic.com:443"), ("HF_TOKEN", "router.huggingface.co:443")):
        assert host in permitted_hosts(made, name) and "api.openai.com:443" not in permitted_hosts(made, name)
