"""One credential, one key of the policy."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

from router.core.values import KeyGrant
from router.gateway.errors import ApiError
from router.gateway.http import Request

ANONYMOUS = KeyGrant(name="anonymous", team="default", models=None, zones=None, level=None, tags=())
"""Everybody, when the policy has no keys; `serve` allows that on loopback only."""


def identify(request: Request, keys: Mapping[str, KeyGrant]) -> KeyGrant:
    """The request's key. Raises ApiError: 400 for contradicting credentials, 401 for none or a wrong one."""
    if not keys:
        return ANONYMOUS
    token = _credential(request)
    grant = keys.get(sha256(token.encode("latin-1")).hexdigest()) if token else None
    if grant is None:
        raise ApiError(401, "invalid_api_key", _wrong_key(token), retryable=False)
    return grant


def _credential(request: Request) -> str:
    bearer = request.headers.get("authorization", "")
    scheme, _, token = bearer.partition(" ")
    if bearer and scheme.lower() != "bearer":
        raise ApiError(401, "invalid_api_key", 'The authorization header must be "Bearer <key>".')
    token = token.strip()
    other = request.headers.get("x-api-key", "").strip()
    if request.credentials > 1 and token != other:
        raise ApiError(400, "conflicting_credentials", "The request carries more than one credential; send one.")
    return token or other


def _wrong_key(token: str) -> str:
    if not token:
        return "No API key was given. Send it as `Authorization: Bearer <key>`."
    return "The API key is not known here. Ask whoever runs this gateway for one; provider keys do not work."
