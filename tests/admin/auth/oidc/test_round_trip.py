"""To the provider and back: one browser, once, within minutes."""

from __future__ import annotations

import re
from hashlib import sha256

import pytest
from support.control import Clock

from router.admin.auth.oidc import round_trip
from router.admin.auth.oidc.refused import SignInRefused
from router.admin.auth.oidc.round_trip import (
    LIFETIME_SECONDS,
    RoundTrips,
    challenge,
    cookie_name,
    keeps,
    name_for,
    pending,
)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def trips(clock):
    return RoundTrips(clock)


def why(trips: RoundTrips, cookie: str, state: str) -> str:
    with pytest.raises(SignInRefused) as refused:
        trips.end(cookie, state)
    assert refused.value.code == "begin_again"
    return refused.value.why


def test_what_was_begun_comes_back(trips):
    cookie, trip = trips.begin("/requests")
    assert trips.end(cookie, trip.state) == trip and trip.onward == "/requests"
    assert re.fullmatch(r"[\w.-]+", cookie)


@pytest.mark.parametrize("onward", ["/spend?team=" + "a" * 20_000, "/requests?user=\u00e4"])
def test_a_long_path_that_packs_well_comes_back_whole(trips, onward):
    cookie, trip = trips.begin(onward)
    assert trips.end(cookie, trip.state).onward == onward and len(cookie) < 4000


def test_a_path_that_there_is_no_room_for_leads_to_the_first_page(trips):
    onward = "/" + "".join(sha256(b"%d" % number).hexdigest() for number in range(200))
    cookie, trip = trips.begin(onward)
    assert trips.end(cookie, trip.state).onward == "/" and not keeps(onward) and keeps("/")


def test_every_one_has_secrets_of_its_own_which_the_cookie_does_not_tell(trips):
    (cookie, first), (_, second) = trips.begin("/"), trips.begin("/")
    told = [first.state, trips.nonce(first), trips.verifier(first)]
    assert len({*told, second.state, trips.nonce(second), trips.verifier(second)}) == 6
    assert len(trips.verifier(first)) == 43 and trips.verifier(first) not in cookie


def test_it_is_good_once(trips):
    cookie, trip = trips.begin("/")
    trips.end(cookie, trip.state)
    assert "used before" in why(trips, cookie, trip.state)


def test_it_is_good_for_minutes(trips, clock):
    cookie, trip = trips.begin("/")
    clock.now += LIFETIME_SECONDS
    assert "took longer" in why(trips, cookie, trip.state)


def test_another_state_is_not_this_one(trips):
    cookie, _ = trips.begin("/")
    _, other = trips.begin("/")
    for state in (other.state, "", "ä", "\udcff"):
        assert "the state is another" in why(trips, cookie, state)


@pytest.mark.parametrize("cookie", ["", ".", "x", "e30.x", "ä.ö", "\udcff", "a" * 10_000])
def test_a_made_up_cookie_is_nothing(cookie, trips):
    assert "not begun in this browser" in why(trips, cookie, "x")


def test_a_changed_cookie_is_nothing(trips):
    cookie, trip = trips.begin("/")
    payload, _, seal = cookie.partition(".")
    for changed in (f"{payload}A.{seal}", f"{payload}.{seal[:-1]}", f"A{payload[1:]}.{seal}"):
        assert "not begun in this browser" in why(trips, changed, trip.state)


def test_each_has_a_cookie_that_its_state_finds_and_that_tells_its_age(trips, clock):
    _, first = trips.begin("/")
    clock.now += 1
    _, second = trips.begin("/")
    names = {cookie_name(second): "", cookie_name(first): "", "breakeven_session": ""}
    assert pending(names) == [cookie_name(first), cookie_name(second)]
    assert [name_for(trip.state, names) for trip in (first, second)] == pending(names)
    assert name_for("another", names) == name_for("\udcff", names) == name_for("", []) == ""
    assert first.state not in cookie_name(first) and re.fullmatch(r"[\w]+", cookie_name(first))


def test_after_a_restart_one_begins_again(trips, clock):
    cookie, trip = trips.begin("/")
    assert "restart" in why(RoundTrips(clock), cookie, trip.state)


def test_what_is_remembered_is_bounded(trips, monkeypatch):
    monkeypatch.setattr(round_trip, "MOST_REMEMBERED", 2)
    for _ in range(5):
        cookie, trip = trips.begin("/")
        trips.end(cookie, trip.state)
    assert len(trips._ended) == 2


def test_the_challenge_is_that_of_the_standard():
    """RFC 7636, appendix B."""
    assert challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
