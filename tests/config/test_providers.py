"""The table of providers: names of keys that nobody else's may share, and hosts that can be one."""

from __future__ import annotations

import re

import pytest

from router.config.providers import PROVIDERS, key_names
from router.core.host_patterns import split_host

ALL = pytest.mark.parametrize("name", PROVIDERS)


def test_a_key_is_called_as_litellm_calls_its_provider_and_as_the_provider_does() -> None:
    assert key_names("groq") == ("GROQ_API_KEY",)
    assert key_names("gemini") == ("GEMINI_API_KEY", "GOOGLE_API_KEY")
    assert key_names("huggingface") == ("HUGGINGFACE_API_KEY", "HF_TOKEN")


@ALL
def test_names_of_keys_are_names_of_variables(name: str) -> None:
    assert all(re.fullmatch(r"[A-Z][A-Z0-9_]*", each) for each in key_names(name))


def test_no_key_has_the_hosts_of_two_providers() -> None:
    """Its name alone says where it may be sent, see `bindings`."""
    hosts: dict[str, tuple[str, ...]] = {}
    for name, provider in PROVIDERS.items():
        for key in key_names(name):
            assert hosts.setdefault(key, provider.hosts) == provider.hosts, key


@ALL
def test_identities_come_from_the_clouds_own_services(name: str) -> None:
    """With TLS, or from the machine's own metadata, which has none."""
    for pattern in PROVIDERS[name].identity:
        host, port = split_host(pattern)
        assert (port == 443) != (host.startswith("169.254.") or host == "metadata.google.internal")
