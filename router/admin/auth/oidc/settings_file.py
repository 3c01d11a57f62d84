"""A file -> settings of the provider, or everything that is wrong with it, by line."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from router.admin.auth.oidc.settings import OidcSettings, is_safe_address
from router.admin.auth.roles import Role
from router.config.decode import adapter_of
from router.config.load import decode_document, raise_if_any, read_bytes, text_of
from router.config.problems import Finding
from router.config.secrets import MissingSecretError, resolve
from router.config.yaml_document import parse
from router.core.policy_fields import Duration, Name, Secret, Section, parse_duration

LONGEST_SESSION_SECONDS = 24 * 3600.0


def _check_issuer(url: str) -> str:
    if not is_safe_address(url) or "?" in url or "#" in url:
        raise ValueError("must be the provider's https:// address as it names itself; http:// only on this machine")
    return url


def _check_address(url: str) -> str:
    plain = url.rstrip("/")
    if not is_safe_address(plain) or "/" in plain.partition("://")[2]:
        raise ValueError(
            "must be scheme, host and port of the dashboard as browsers reach it, such as https://breakeven.example; "
            "http:// only on this machine"
        )
    return plain


def _check_session(seconds: float) -> float:
    if not 60 <= seconds <= LONGEST_SESSION_SECONDS:
        raise ValueError("must be from 1m to 24h: a group that somebody left keeps its role until their session ends")
    return seconds


Text = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Groups = Annotated[tuple[Text, ...], Field(strict=False, min_length=1)]


class ProviderFile(Section):
    issuer: Annotated[str, AfterValidator(_check_issuer)]
    """The provider's address, exactly as it names itself in `/.well-known/openid-configuration` below it."""
    client_id: Text
    """What the provider calls the dashboard."""
    client_secret: Secret | None = None
    """Where the secret of that client is kept, `env:NAME` or `file:PATH`; without one it is a public client."""
    address: Annotated[str, AfterValidator(_check_address)]
    """Where browsers reach the dashboard. The redirect URI to register at the provider is `/sign-in/callback` there."""
    name: Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[^\x00-\x1f\x7f]+$", examples=["Keycloak"])] = (
        "single sign-on"
    )
    """What people call the provider: the button says `Sign in with` and this."""
    scopes: Annotated[tuple[Name, ...], Field(strict=False)] = ("profile", "email")
    """What to ask for beside `openid`; some providers tell groups only to who asks for `groups`."""
    name_claim: Text = "preferred_username"
    """The claim that has the name to show and to write into the history; `email`, then `sub`, where it is missing."""
    groups_claim: Text = "groups"
    """The claim that has the groups, a text or a list; a path such as `realm_access.roles` leads into nested ones."""
    roles: dict[Role, Groups] = {}
    """Groups that give a role; who is in groups of several has the one that may most."""
    teams: dict[Name, Groups] = {}
    """The members of a team, by its name in the policy. They see what is their teams' and nothing else."""
    session: Annotated[Duration, AfterValidator(_check_session)] = parse_duration("8h")
    """How long somebody stays signed in, and at most keeps a role after they left its group; `24h` at most."""

    @model_validator(mode="after")
    def _somebody_may_enter(self) -> Self:
        if not self.teams and not self.roles:
            raise ValueError("nobody could sign in: name groups under roles or teams")
        return self


def read_settings(path: str, environment: MutableMapping[str, str] = os.environ) -> OidcSettings:
    """A variable with the secret is removed: no other process of the gateway needs it.

    Raises PolicyError with all that is wrong with the file, or with the secret that it names.
    """
    document = parse(text_of(read_bytes(path), path), path)
    given = decode_document(document, adapter_of(ProviderFile))
    raise_if_any(document, _missing(given, environment))
    secret = _taken(given.client_secret, environment) if given.client_secret else ""
    return OidcSettings(
        issuer=given.issuer,
        client_id=given.client_id,
        address=given.address,
        client_secret=secret,
        name=given.name,
        scopes=("openid", *(scope for scope in given.scopes if scope != "openid")),
        name_claim=given.name_claim,
        groups_claim=given.groups_claim,
        roles=given.roles,
        teams=given.teams,
        session_seconds=given.session,
    )


def _taken(reference: str, environment: MutableMapping[str, str]) -> str:
    secret = resolve(reference, environment).reveal()
    if reference.startswith("env:"):
        del environment[reference.removeprefix("env:")]
    return secret


def _missing(given: ProviderFile, environment: Mapping[str, str]) -> Iterator[Finding]:
    if given.client_secret is None:
        return
    try:
        resolve(given.client_secret, environment)
    except MissingSecretError as error:
        yield Finding(("client_secret",), str(error))
