from __future__ import annotations

from hashlib import sha256

import pytest

from router.core.values import KeyGrant, Permits
from router.gateway.auth import ANONYMOUS, Keyring
from router.gateway.errors import ApiError
from router.gateway.http_connection import Request

APP = KeyGrant("app", "search", Permits())
KEYS = {sha256(b"good").hexdigest(): APP}


def request(token: str = "") -> Request:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return Request("POST", "/v1/chat/completions", "", headers, b"", True, False, credentials=len(headers))


def refused(keyring: Keyring, token: str = "") -> tuple[int, str]:
    with pytest.raises(ApiError) as raised:
        keyring.identify(request(token))
    return raised.value.status, raised.value.code


def test_everybody_is_anonymous_only_when_no_key_is_needed():
    assert Keyring({}).identify(request()) is ANONYMOUS
    assert Keyring({}).identify(request("whatever")) is ANONYMOUS
    assert refused(Keyring({}, needed=True)) == (401, "invalid_api_key")
    assert refused(Keyring({}, needed=True), "whatever") == (401, "invalid_api_key")


def test_a_known_key_works_whether_or_not_others_can_be_looked_up():
    keyring = Keyring(KEYS, unread=lambda: "lost")
    assert [keyring.identify(request("good")) for _ in range(2)] == [APP, APP]


def test_an_unknown_key_is_not_called_wrong_while_keys_cannot_be_looked_up():
    whys = ["lost"]
    keyring = Keyring(KEYS, unread=lambda: "".join(whys))
    assert refused(keyring, "other") == (503, "keys_unavailable")
    assert refused(keyring) == (401, "invalid_api_key")
    whys.clear()
    assert refused(keyring, "other") == (401, "invalid_api_key")
