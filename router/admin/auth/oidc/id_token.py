"""Whose ID token is it, and is it meant for this sign-in? OpenID Connect Core 1.0, section 3.1.3.7."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key

from router.admin.auth.oidc.refused import SignInRefused

LEEWAY_SECONDS = 60.0
"""By which the provider's clock may be ahead or behind."""
LATEST = 1e12
MOST_KEYS = 100
KEY_TYPES = {
    "RS256": "RSA", "RS384": "RSA", "RS512": "RSA", "PS256": "RSA", "PS384": "RSA", "PS512": "RSA",
    "ES256": "EC", "ES384": "EC", "ES512": "EC", "EdDSA": "OKP", "Ed25519": "OKP",
}  # fmt: skip
"""What a token may be signed by. Neither `none` nor a secret that both sides have: with a public key as the secret,
anybody could sign."""


class UnknownKey(Exception):
    """None of the keys that are known signed it: there may be new ones."""


def keys_of(document: Any) -> tuple[Key, ...]:
    """Those of a JWK Set (RFC 7517) that can have signed something; what is not understood is passed over."""
    listed = document.get("keys") if isinstance(document, dict) else None
    found = []
    for each in (listed if isinstance(listed, list) else [])[:MOST_KEYS]:
        if not isinstance(each, dict) or each.get("kty") not in KEY_TYPES.values() or each.get("use", "sig") != "sig":
            continue
        try:
            found.append(JWKRegistry.import_key(each))
        except (JoseError, ValueError, TypeError, KeyError):
            continue
    return tuple(found)


def claims_of(token: str, keys: Iterable[Key]) -> dict[str, Any]:
    """What the token says, once its signature is known to be by one of the keys. All of its name are tried: a provider
    may publish several under one, or another one under the name of before.

    Raises UnknownKey, and SignInRefused for everything else.
    """
    try:
        header = jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError, TypeError) as error:
        raise SignInRefused("not_trusted", f"the ID token cannot be read: {type(error).__name__}") from None
    algorithm, name = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in KEY_TYPES:
        raise SignInRefused("not_trusted", f"the ID token is signed by {algorithm!r:.20}, which proves nothing here")
    for key in keys:
        if key.key_type == KEY_TYPES[algorithm] and name in (None, key.kid):
            claims = _verified(token, key, algorithm)
            if claims is not None:
                return claims
    raise UnknownKey


def _verified(token: str, key: Key, algorithm: str) -> dict[str, Any] | None:
    try:
        return dict(jwt.decode(token, key, algorithms=[algorithm]).claims)
    except (JoseError, ValueError, TypeError, KeyError):
        return None


def check(claims: dict[str, Any], *, issuer: str, client_id: str, nonce: str, now: float) -> None:
    """Raises SignInRefused for what somebody else said, or for somebody else, or at another time."""
    for flaw in (_parties(claims, issuer, client_id), _occasion(claims, nonce), _times(claims, now)):
        if flaw:
            raise SignInRefused("not_trusted", f"the ID token {flaw}")


def _parties(claims: dict[str, Any], issuer: str, client_id: str) -> str:
    """What is wrong with who made it for whom; empty when nothing is."""
    audience, party = claims.get("aud"), claims.get("azp")
    audiences = audience if isinstance(audience, list) else [audience]
    if claims.get("iss") != issuer:
        return "is of another issuer"
    if client_id not in audiences:
        return "is for another client"
    if len(audiences) > 1 and party is None:
        return "is for several clients, and does not say which one asked"
    return "was asked for by another client" if party not in (None, client_id) else ""


def _occasion(claims: dict[str, Any], nonce: str) -> str:
    given, subject = claims.get("nonce"), claims.get("sub")
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(errors="replace"), nonce.encode()):
        return "is of another sign-in: its nonce is wrong"
    return "" if isinstance(subject, str) and subject else "does not say whose it is"


def _times(claims: dict[str, Any], now: float) -> str:
    ends, made = _time(claims, "exp"), _time(claims, "iat")
    begins = _time(claims, "nbf") if "nbf" in claims else made
    if ends is None or made is None or begins is None:
        return "has no usable times"
    if ends + LEEWAY_SECONDS <= now:
        return f"expired {now - ends:.0f} s ago: compare the clocks"
    ahead = max(made, begins) - now
    return f"is from {ahead:.0f} s in the future: compare the clocks" if ahead > LEEWAY_SECONDS else ""


def _time(claims: dict[str, Any], name: str) -> float | None:
    value = claims.get(name)
    usable = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < LATEST
    return float(value) if usable else None  # type: ignore[arg-type]
