from __future__ import annotations

import pytest

from router.core.playground import SCHEME, Ticket, narrowed, opened, signed
from router.core.policy import Zone
from router.core.values import KeyGrant, Permits

SECRET = b"secret"
TICKET = Ticket("app", "own", 100.0, "search")
ZONES = {"local": Zone(owned=True), "cellar": Zone(owned=True), "cloud": Zone()}


def test_a_ticket_is_good_for_its_time():
    token = signed(TICKET, SECRET)
    assert token.startswith(SCHEME) and opened(token, SECRET, 99.9) == TICKET
    assert opened(token, SECRET, 100.0) is None


@pytest.mark.parametrize(
    "token",
    [
        signed(TICKET, b"another"),
        signed(TICKET, SECRET)[:-1],
        signed(TICKET, SECRET) + "0",
        signed(TICKET, SECRET) + "ä",
        signed(Ticket("root", "", 1e12, "search"), b"another").partition(".")[0],
        SCHEME,
        f"{SCHEME}zz.00",
        f"{SCHEME}.",
    ],
)
def test_what_was_not_signed_with_the_secret_opens_nothing(token):
    assert opened(token, SECRET, 0.0) is None


@pytest.mark.parametrize(
    ("key", "side", "zones"),
    [
        (None, "", None),
        (None, "own", {"local", "cellar"}),
        (None, "cloud", {"cloud"}),
        ({"local"}, "", {"local"}),
        ({"local", "cloud"}, "own", {"local"}),
        ({"local"}, "cloud", set()),
    ],
)
def test_a_side_narrows_what_a_key_may_reach_and_never_widens_it(key, side, zones):
    grant = KeyGrant("app", "search", Permits(zones=None if key is None else frozenset(key), level="internal"))
    narrow = narrowed(grant, side, ZONES)
    assert narrow.permits.zones == zones and narrow.permits.level == "internal"
    assert (narrow.name, narrow.team, narrow.via) == ("app", "search", "playground")
