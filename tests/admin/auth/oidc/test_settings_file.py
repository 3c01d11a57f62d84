"""The file of the provider: read whole, or refused by line."""

from __future__ import annotations

import pytest

from router.admin.auth.oidc.settings import OidcSettings
from router.admin.auth.oidc.settings_file import read_settings
from router.config.problems import PolicyError

FULL = """\
issuer: https://login.example/realms/main
client_id: breakeven
client_secret: env:OIDC_SECRET
address: https://breakeven.example/
name: Example
scopes: [profile, email, groups]
name_claim: email
groups_claim: realm_access.roles
roles: {admin: [platform], viewer: [finance, operators]}
teams: {search: [search-devs]}
session: 4h
"""
SHORT = """\
issuer: http://127.0.0.1:9400
client_id: breakeven
address: http://localhost:8081
roles: {viewer: [all]}
"""


@pytest.fixture
def read(tmp_path):
    def one(text: str, **environment: str) -> OidcSettings:
        path = tmp_path / "oidc.yaml"
        path.write_text(text)
        return read_settings(str(path), environment)

    return one


def test_all_that_can_be_said(read):
    assert read(FULL, OIDC_SECRET="kept-elsewhere\n") == OidcSettings(
        issuer="https://login.example/realms/main",
        client_id="breakeven",
        address="https://breakeven.example",
        client_secret="kept-elsewhere",
        name="Example",
        scopes=("openid", "profile", "email", "groups"),
        name_claim="email",
        groups_claim="realm_access.roles",
        roles={"admin": ("platform",), "viewer": ("finance", "operators")},
        teams={"search": ("search-devs",)},
        session_seconds=4 * 3600.0,
    )


def test_what_must_be_said(read):
    settings = read(SHORT)
    assert (settings.client_secret, settings.scopes) == ("", ("openid", "profile", "email"))
    assert settings.session_seconds == 8 * 3600.0 and settings.groups_claim == "groups"


def test_the_secret_may_be_in_a_file(read, tmp_path):
    (tmp_path / "secret").write_text("of-a-file\n")
    assert read(SHORT + f"client_secret: file:{tmp_path / 'secret'}\n").client_secret == "of-a-file"


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("http://127.0.0.1:9400", "http://login.example", 1, "https:// address"),
        ("http://127.0.0.1:9400", "https://login.example/?tenant=1", 1, "https:// address"),
        ("http://localhost:8081", "http://breakeven.example", 3, "http:// only on this machine"),
        ("http://localhost:8081", "https://breakeven.example/dashboard", 3, "scheme, host and port"),
        ("viewer: [all]", "owner: [all]", 4, "owner"),
        ("viewer: [all]", "viewer: all", 4, "list"),
        ("roles: {viewer: [all]}", "roles: {}", 0, "nobody could sign in"),
        ("client_id: breakeven", "client_id: breakeven\nclient_secret: plain-text", 3, "env:NAME or file:PATH"),
        ("client_id: breakeven", "client_id: breakeven\nclient_secret: env:NOT_SET", 3, "NOT_SET"),
        ("client_id: breakeven", "client_id: breakeven\nsession: 48h", 3, "from 1m to 24h"),
        ("client_id: breakeven", "client_id: breakeven\nclientid: x", 3, 'did you mean "client_id"'),
        ("client_id: breakeven\n", "", 0, "client_id"),
    ],
)
def test_what_is_wrong_is_told_by_line_and_never_repeats_a_secret(old, new, line, says, read):
    with pytest.raises(PolicyError) as refused:
        read(SHORT.replace(old, new))
    (problem,) = refused.value.problems
    assert problem.line == line or line == 0
    assert says in str(problem) and "plain-text" not in str(problem)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(PolicyError, match=r"nowhere.yaml: cannot be read: No such file"):
        read_settings(str(tmp_path / "nowhere.yaml"), {})
