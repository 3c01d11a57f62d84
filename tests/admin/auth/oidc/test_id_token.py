"""Whose ID token it is, and whether it is meant for this sign-in."""

from __future__ import annotations

import base64
import hmac
import json

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey

from router.admin.auth.oidc.id_token import LEEWAY_SECONDS, UnknownKey, check, claims_of, keys_of
from router.admin.auth.oidc.refused import SignInRefused

NOW = 1_800_000_000.0
CLAIMS = {
    "iss": "https://login.example",
    "aud": "breakeven",
    "sub": "1",
    "nonce": "of-this-sign-in",
    "iat": NOW,
    "exp": NOW + 300,
}
RSA = RSAKey.generate_key(2048, auto_kid=True)
EC = ECKey.generate_key("P-256", auto_kid=True)
ED = OKPKey.generate_key("Ed25519", auto_kid=True)


def signed(key, algorithm, **header) -> str:
    return jwt.encode({"alg": algorithm, "kid": key.kid, **header}, CLAIMS, key, algorithms=[algorithm])


def published(*keys):
    return keys_of({"keys": [key.as_dict(private=False) for key in keys]})


def plain(part: dict) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize(("key", "algorithm"), [(RSA, "RS256"), (RSA, "PS512"), (EC, "ES256"), (ED, "Ed25519")])
def test_a_token_by_a_key_of_the_provider_is_read(key, algorithm):
    assert claims_of(signed(key, algorithm), published(RSA, EC, ED)) == CLAIMS


def test_without_the_name_of_a_key_each_is_tried():
    token = jwt.encode({"alg": "RS256"}, CLAIMS, RSA, algorithms=["RS256"])
    other = RSAKey.generate_key(2048, auto_kid=True)
    assert claims_of(token, published(other, RSA)) == CLAIMS
    with pytest.raises(UnknownKey):
        claims_of(token, published(other))


def test_a_key_that_is_not_known_may_be_new():
    with pytest.raises(UnknownKey):
        claims_of(signed(RSA, "RS256"), published(EC))


def refused(token: str, *keys) -> str:
    with pytest.raises(SignInRefused) as why:
        claims_of(token, published(*(keys or (RSA,))))
    assert why.value.code == "not_trusted"
    return why.value.why


def test_a_changed_token_is_refused():
    head, _, seal = signed(RSA, "RS256").split(".")
    with pytest.raises(UnknownKey):
        claims_of(f"{head}.{plain({**CLAIMS, 'sub': '2'})}.{seal}", published(RSA))


def test_each_key_of_the_same_name_is_tried_and_one_of_another_content_may_be_new():
    again = RSAKey.import_key(RSAKey.generate_key(2048).as_dict(private=True) | {"kid": RSA.kid})
    token = jwt.encode({"alg": "RS256", "kid": RSA.kid}, CLAIMS, again, algorithms=["RS256"])
    assert claims_of(token, published(RSA, again)) == claims_of(token, published(again, RSA)) == CLAIMS
    with pytest.raises(UnknownKey):
        claims_of(token, published(RSA))


def test_no_signature_is_none():
    for none in ("none", "None", "NONE"):
        assert "proves nothing" in refused(f"{plain({'alg': none, 'kid': RSA.kid})}.{plain(CLAIMS)}.")


@pytest.mark.parametrize("form", [RSA.as_pem(private=False), RSA.as_der(private=False)], ids=["pem", "der"])
def test_a_public_key_is_no_secret_to_sign_with(form):
    said = f"{plain({'alg': 'HS256', 'kid': RSA.kid})}.{plain(CLAIMS)}"
    seal = base64.urlsafe_b64encode(hmac.digest(form, said.encode(), "sha256")).rstrip(b"=").decode()
    assert "proves nothing" in refused(f"{said}.{seal}")


def test_a_key_in_the_token_itself_proves_nothing():
    mine = ECKey.generate_key("P-256", auto_kid=True)
    header = {"alg": "ES256", "kid": EC.kid, "jwk": mine.as_dict(private=False)}
    token = jwt.encode(header, CLAIMS, mine, algorithms=["ES256"])
    with pytest.raises(UnknownKey):
        claims_of(token, published(EC))


@pytest.mark.parametrize(
    "token", ["", "x", "a.b", "a.b.c", "..", "ä.b.c", f"{plain({'kid': 'x'})}.e30.", "e30.e30.e30"]
)
def test_what_is_no_token_is_refused(token):
    assert refused(token)


def test_keys_that_are_not_understood_are_passed_over():
    listed = [
        {"kty": "AKP", "alg": "ML-DSA-44"},
        {"kty": "oct", "k": "AAAA"},
        {"kty": "RSA", "n": "x"},
        RSA.as_dict(private=False) | {"use": "enc"},
        "text",
        EC.as_dict(private=False),
    ]
    assert [key.kid for key in keys_of({"keys": listed})] == [EC.kid]
    assert keys_of({}) == keys_of([]) == keys_of({"keys": 1}) == ()


# --- what it says


def flaw(**changed) -> str:
    claims = {name: value for name, value in {**CLAIMS, **changed}.items() if value is not None}
    try:
        check(claims, issuer="https://login.example", client_id="breakeven", nonce="of-this-sign-in", now=NOW)
    except SignInRefused as refused:
        assert refused.code == "not_trusted"
        return refused.why
    return ""


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"aud": ["breakeven"]},
        {"aud": ["breakeven", "other"], "azp": "breakeven"},
        {"azp": "breakeven"},
        {"exp": NOW - LEEWAY_SECONDS + 1},
        {"iat": NOW + LEEWAY_SECONDS},
        {"nbf": NOW + LEEWAY_SECONDS},
    ],
)
def test_what_is_meant_for_this_sign_in(changed):
    assert flaw(**changed) == ""


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"iss": "https://login.example/"}, "another issuer"),
        ({"iss": None}, "another issuer"),
        ({"aud": "other"}, "another client"),
        ({"aud": []}, "another client"),
        ({"aud": None}, "another client"),
        ({"aud": {"breakeven": 1}}, "another client"),
        ({"aud": ["breakeven", "other"]}, "several clients"),
        ({"azp": "other"}, "by another client"),
        ({"nonce": "of-another"}, "nonce is wrong"),
        ({"nonce": None}, "nonce is wrong"),
        ({"nonce": 1}, "nonce is wrong"),
        ({"sub": None}, "whose it is"),
        ({"sub": ""}, "whose it is"),
        ({"exp": NOW - LEEWAY_SECONDS}, "expired 60 s ago: compare the clocks"),
        ({"exp": None}, "no usable times"),
        ({"exp": "tomorrow"}, "no usable times"),
        ({"exp": True}, "no usable times"),
        ({"exp": 1e300}, "no usable times"),
        ({"iat": None}, "no usable times"),
        ({"iat": NOW + 3600}, "3600 s in the future: compare the clocks"),
        ({"nbf": NOW + 3600}, "3600 s in the future"),
        ({"nbf": "x"}, "no usable times"),
    ],
)
def test_what_is_not(changed, says):
    assert says in flaw(**changed)
