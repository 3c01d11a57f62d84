"""The steps of a sign-in, and each of them gone wrong."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from joserfc.jwk import RSAKey
from support.oidc_provider import (
    CLIENT,
    Visitor,
    but,
    ec_key,
    problem_of,
    rsa_key,
    sealed_with_public_key,
    unsigned,
    without,
)

KEYS, TOKEN, KNOWN = "/keys", "/token", "/.well-known/openid-configuration"


@pytest.fixture
def refused(anna, provider, caplog):
    """`await refused(code)` signs in and gives what the log says of why that failed."""

    async def sign_in(code: str) -> str:
        caplog.clear()
        assert problem_of(await anna.sign_in()) == code
        assert "breakeven_session" not in anna.cookies
        (why,) = [record.why for record in caplog.records if record.message == "sign-in refused"]
        return why

    return sign_in


async def test_what_the_provider_is_asked(plane, provider):
    began = await plane.ask("GET", "/sign-in/begin")
    place = urlsplit(began.headers["location"])
    asked = {name: value for name, (value,) in parse_qs(place.query).items()}
    assert f"{place.scheme}://{place.netloc}{place.path}" == f"{provider.issuer}/authorize"
    assert asked["response_type"] == "code" and asked["client_id"] == CLIENT
    assert asked["redirect_uri"] == f"{plane.url}/sign-in/callback" and asked["scope"] == "openid profile email"
    assert asked["code_challenge_method"] == "S256" and len(asked["code_challenge"]) == 43
    assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (but(nonce="of-another"), "nonce"),
        (but(iss="https://evil.example"), "another issuer"),
        (but(aud="another-client"), "another client"),
        (but(azp="another-client"), "another client"),
        (but(exp=1), "compare the clocks"),
        (but(iat=4e9), "compare the clocks"),
        (without("sub"), "whose it is"),
    ],
)
async def test_a_token_that_is_not_meant_for_this_sign_in(change, says, refused, provider):
    provider.change_claims = change
    assert says in await refused("not_trusted")


async def test_a_token_without_a_signature(refused, provider):
    provider.change_token = unsigned
    assert "proves nothing" in await refused("not_trusted")


async def test_a_token_sealed_with_the_public_key(refused, provider):
    provider.change_token = sealed_with_public_key(provider)
    assert "proves nothing" in await refused("not_trusted")


async def test_a_token_by_a_key_that_the_provider_does_not_publish(refused, provider):
    provider.key = rsa_key()
    assert "no key of the provider" in await refused("not_trusted")
    assert provider.asked.count(KEYS) == 2, "once for the keys, and once more for new ones"


async def test_a_provider_that_changes_its_keys_between_two_sign_ins(anna, provider):
    await anna.sign_in()
    provider.rotate(ec_key(), "ES256")
    await anna.sign_in()
    assert (await anna.session())["user"] == "anna"
    assert provider.asked.count(KEYS) == 2


async def test_a_provider_that_changes_its_keys_amid_a_sign_in(anna, provider):
    await anna.sign_in()
    way_back = await anna.begin()
    provider.rotate(rsa_key())
    assert (await anna.open(way_back)).status == 200


async def test_a_provider_that_gives_a_new_key_the_name_of_the_old_one(anna, provider):
    await anna.sign_in()
    name = provider.key.kid
    provider.rotate(RSAKey.import_key(rsa_key().as_dict(private=True) | {"kid": name}))
    await anna.sign_in()
    assert (await anna.session())["user"] == "anna" and provider.key.kid == name


async def test_keys_are_not_asked_for_each_time_and_not_kept_for_ever(anna, provider, clock):
    await anna.sign_in()
    await anna.sign_in()
    assert provider.asked.count(KEYS) == 1
    clock.now += 601
    provider.published = [rsa_key()]
    assert problem_of(await anna.sign_in()) == "not_trusted"


@pytest.mark.parametrize(
    "change", [but(iss="https://evil.example"), without("iss")], ids=["another issuer", "no issuer"]
)
async def test_an_answer_that_another_issuer_sent(change, refused, provider):
    provider.change_return = change
    assert "another issuer" in await refused("not_trusted")
    assert TOKEN not in provider.asked


async def test_a_provider_that_does_not_name_itself_need_not(anna, provider):
    provider.change_metadata = without("authorization_response_iss_parameter_supported")
    provider.change_return = without("iss")
    assert (await anna.sign_in()).status == 200


@pytest.mark.parametrize("change", [without("code"), but(code=""), but(code="x" * 5000)])
async def test_an_answer_without_a_code(change, refused, provider):
    provider.change_return = change
    assert "without a code" in await refused("provider_refused")
    assert TOKEN not in provider.asked


async def test_a_code_that_was_used_before(refused, provider):
    used = {"code": "used-before"}
    provider.change_return = but(**used)
    why = await refused("provider_refused")
    assert why == "the provider did not take the code: invalid_grant"


async def test_somebody_elses_code_does_not_fit_this_browser(anna, provider):
    """The attacker's code in the victim's browser: its challenge is of another verifier."""
    stolen = parse_qs(urlsplit(await Visitor(anna.plane).begin()).query)["code"][0]
    provider.change_return = but(code=stolen)
    assert problem_of(await anna.sign_in()) == "provider_refused"


async def test_another_state(anna, provider):
    provider.change_return = but(state="of-somebody-else")
    assert problem_of(await anna.sign_in()) == "begin_again"
    assert TOKEN not in provider.asked


# --- groups


@pytest.mark.parametrize(
    ("claim", "said", "role"),
    [
        ("groups", {"groups": "finance"}, "viewer"),
        ("groups", {"groups": ["finance", "policy-editors"]}, "editor"),
        ("realm_access.roles", {"realm_access": {"roles": ["gateway-admins"]}}, "admin"),
        ("https://example.com/groups", {"https://example.com/groups": ["search-devs"]}, "member"),
    ],
)
async def test_groups_give_the_role(claim, said, role, start, settings, provider):
    provider.user = {"sub": "1", "email": "anna@example.com", **said}
    given = msgspec.structs.replace(settings, oidc=provider.settings(groups_claim=claim))
    visitor = Visitor(await start(given=given))
    await visitor.sign_in()
    session = await visitor.session()
    assert (session["role"], session["user"]) == (role, "anna@example.com")


async def test_without_a_group_nobody_enters_and_the_log_says_who_it_was(refused, provider):
    del provider.user["groups"]
    assert await refused("no_role") == "no group of anna has a role: the ID token has no claim groups with groups in it"


async def test_who_left_a_group_keeps_its_role_until_their_session_ends(anna, provider, clock):
    await anna.sign_in()
    provider.user["groups"] = ["finance"]
    assert (await anna.session())["role"] == "admin"
    clock.now += 8 * 3600
    assert (await anna.open("/api/session")).status == 401
    await anna.sign_in()
    assert (await anna.session())["role"] == "viewer"


# --- sessions


async def test_other_settings_end_the_sessions_and_a_restart_does_not(start, settings, provider, tmp_path):
    """The address that the dashboard is reached by is part of them; here it is given."""
    from router.admin.auth.sessions import Sessions
    from router.admin.auth.tokens import Tokens

    path, tokens, clock = tmp_path / "sessions.json", Tokens("a-token-of-the-admin"), provider.clock
    before, changed = provider.settings(), provider.settings(roles={"viewer": ("gateway-admins",)})
    value, session = Sessions(path, tokens, clock, before.fingerprint()).open("admin", "anna")
    by_token, _ = Sessions(path, tokens, clock, before.fingerprint()).open("admin")
    assert Sessions(path, tokens, clock, before.fingerprint()).find(value) == session
    assert Sessions(path, tokens, clock, changed.fingerprint()).find(value) is None
    assert Sessions(path, tokens, clock).find(value) is None
    assert Sessions(path, tokens, clock, changed.fingerprint()).find(by_token) is not None
