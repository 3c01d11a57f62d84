"""The provider's settings, once they are read."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from router.admin.auth.oidc.settings import OidcSettings, is_safe_address

SETTINGS = OidcSettings(
    issuer="https://login.example/realms/main",
    client_id="breakeven",
    address="https://breakeven.example",
    client_secret="a-secret-of-these-tests",
    roles={"admin": ("admins",), "viewer": ("all",)},
    teams={"search": ("search-devs",)},
)


def test_a_representation_keeps_the_secret():
    assert "a-secret" not in repr(SETTINGS)


def test_where_the_provider_sends_browsers_back_to():
    assert SETTINGS.callback == "https://breakeven.example/sign-in/callback"


@pytest.mark.parametrize(
    "changed",
    [
        {"issuer": "https://other.example"},
        {"client_id": "other"},
        {"groups_claim": "roles"},
        {"name_claim": "email"},
        {"roles": {"admin": ("all",)}},
        {"teams": {}},
        {"session_seconds": 60.0},
    ],
)
def test_what_decides_changes_the_fingerprint(changed):
    assert replace(SETTINGS, **changed).fingerprint() != SETTINGS.fingerprint()


def test_a_new_secret_or_name_and_another_order_do_not():
    same = replace(SETTINGS, client_secret="new", name="Other", roles=dict(reversed(SETTINGS.roles.items())))
    assert same.fingerprint() == SETTINGS.fingerprint() != ""


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://login.example/x", True),
        ("http://127.0.0.1:9/x", True),
        ("http://localhost", True),
        ("http://[::1]:80", True),
        ("http://login.example", False),
        ("http://localhost.evil.example", False),
        ("ftp://localhost", False),
        ("https://user@login.example", False),
        ("javascript:alert(1)", False),
        ("", False),
    ],
)
def test_what_is_said_on_the_way_is_safe_by_tls_or_on_this_machine(url, safe):
    assert is_safe_address(url) == safe
