"""From the sign-in page to the provider and back: one browser, once, within minutes.

The session's cookie is `SameSite=Strict`, so it is not sent when a provider's page sends the browser back. What was
begun is told by a cookie of its own, `SameSite=Lax`, which is signed and lives for minutes. It has the state, so that a
code that somebody else was given is not taken in this browser; nonce and verifier are made from the state with a key
that never leaves this process, so they are kept nowhere.

Each has a cookie of another name, so that what is begun in a second tab takes nothing from the first::

    breakeven_sign_in_<when it expires, hex>_<of the SHA-256 of its state>

The names say which of too many is the oldest one, and which belongs to a state; that it does is checked inside.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterable

import msgspec
from msgspec import Struct

from router.admin.auth.oidc.refused import SignInRefused
from router.admin.auth.own_path import HOME

LIFETIME_SECONDS = 600.0
MOST_REMEMBERED = 10_000
LONGEST_COOKIE = 4096
LONGEST_PACKED = 2700
"""Bytes of the path, before base64: browsers keep cookies of 4 KB, and the rest of it has its room."""
COOKIE_PREFIX = "breakeven_sign_in_"
MOST_PENDING = 8
"""In one browser. Browsers send all of them with each step."""
MOST_PENDING_BYTES = 4000
"""Of names and values: a page that was wanted may have a long address, and a server reads headers up to 8 KB."""
_TAG_DIGITS = 16


class RoundTrip(Struct, frozen=True):
    state: str
    onward: str
    """The page that was wanted: a path of ours."""
    expires: float


class RoundTrips:
    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._ended: OrderedDict[str, None] = OrderedDict()

    def begin(self, onward: str) -> tuple[str, RoundTrip]:
        """The cookie's value, and what it says. What is too long for it leads to the first page."""
        kept = onward if keeps(onward) else HOME
        trip = RoundTrip(secrets.token_urlsafe(32), kept, self._clock() + LIFETIME_SECONDS)
        payload = _text(msgspec.msgpack.encode((trip.state, _packed(trip.onward), trip.expires)))
        return f"{payload}.{self._made_of('cookie', payload)}", trip

    def end(self, cookie: str, state: str) -> RoundTrip:
        """Raises SignInRefused for what was not begun in this browser, took too long or ended before."""
        trip = self._read(cookie)
        if trip is None:
            raise SignInRefused("begin_again", "it was not begun in this browser, or before a restart")
        if not hmac.compare_digest(trip.state.encode(), state.encode(errors="surrogateescape")):
            raise SignInRefused("begin_again", "the state is another than the one that this browser was given")
        if self._clock() >= trip.expires:
            raise SignInRefused("begin_again", f"it took longer than {LIFETIME_SECONDS:.0f} s")
        if trip.state in self._ended:
            raise SignInRefused("begin_again", "the state was used before")
        self._ended[trip.state] = None
        while len(self._ended) > MOST_REMEMBERED:
            self._ended.popitem(last=False)
        return trip

    def nonce(self, trip: RoundTrip) -> str:
        return self._made_of("nonce", trip.state)

    def verifier(self, trip: RoundTrip) -> str:
        """Of PKCE: 43 characters, as RFC 7636 wants at least."""
        return self._made_of("verifier", trip.state)

    def _made_of(self, what: str, text: str) -> str:
        return _text(hmac.digest(self._key, f"{what}:{text}".encode(), "sha256"))

    def _read(self, cookie: str) -> RoundTrip | None:
        payload, _, seal = cookie[:LONGEST_COOKIE].encode(errors="replace").decode().partition(".")
        if not hmac.compare_digest(seal.encode(), self._made_of("cookie", payload).encode()):
            return None
        state, packed, expires = _decode(base64.urlsafe_b64decode(payload + "=="))
        return RoundTrip(state, zlib.decompress(packed).decode(), expires)


_decode = msgspec.msgpack.Decoder(tuple[str, bytes, float]).decode


def keeps(onward: str) -> bool:
    """Whether a cookie has room for that path. Links are long where they name much that is alike, which packs well."""
    return len(_packed(onward)) <= LONGEST_PACKED


def _packed(onward: str) -> bytes:
    return zlib.compress(onward.encode(errors="replace"), 9)


def cookie_name(trip: RoundTrip) -> str:
    return f"{COOKIE_PREFIX}{int(trip.expires):010x}_{_tag(trip.state)}"


def name_for(state: str, names: Iterable[str]) -> str:
    """Of these cookies the one of that state; empty where there is none."""
    ending = f"_{_tag(state)}"
    return next((name for name in pending(names) if name.endswith(ending)), "")


def pending(names: Iterable[str]) -> list[str]:
    """Those of what was begun, the oldest first."""
    return sorted(name for name in names if name.startswith(COOKIE_PREFIX))


def _tag(state: str) -> str:
    return hashlib.sha256(state.encode(errors="surrogateescape")).hexdigest()[:_TAG_DIGITS]


def challenge(verifier: str) -> str:
    """S256 of RFC 7636, section 4.2."""
    return _text(hashlib.sha256(verifier.encode()).digest())


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
