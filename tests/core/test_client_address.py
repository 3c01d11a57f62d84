"""Whose address counts: never one that whoever asks could have written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.client_address import LONGEST_ELEMENT, TrustedProxies, client_address, network_of

PROXIES = TrustedProxies(tuple(map(network_of, ("10.0.0.0/8", "192.0.2.7", "2001:db8::/32"))))


@pytest.mark.parametrize(
    ("peer", "forwarded", "counts"),
    [
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),  # nobody whose word counts
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "127.0.0.1, 198.51.100.1", "198.51.100.1"),  # what stands left of it may be forged
        ("10.0.0.1", "198.51.100.1, 192.0.2.7", "198.51.100.1"),  # two proxies in a row
        ("10.0.0.1", "10.9.9.9", "10.9.9.9"),  # a client beside the proxies
        ("10.0.0.1", "198.51.100.1:4711", "198.51.100.1"),
        ("2001:db8::1", "[2001:db9::5]:4711, 2001:db8::2", "2001:db9::5"),
        ("::ffff:10.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1, unknown", "10.0.0.1"),  # it says nothing, so what is known counts
        ("", "198.51.100.1", ""),
    ],
)
def test_the_first_from_the_right_that_is_no_trusted_proxy(peer, forwarded, counts):
    assert client_address(peer, forwarded, "", PROXIES) == counts


REAL = "198.51.100.1"
PROXY = "10.0.0.1"


@pytest.mark.parametrize(
    ("forwarded", "counts"),
    [
        ("for=198.51.100.1", REAL),
        ('For="198.51.100.1:4711";proto=https;by=10.0.0.1', REAL),
        ('for="[2001:db9::5]:4711"', "2001:db9::5"),
        ("for=127.0.0.1, for=198.51.100.1;host=a , for=192.0.2.7", REAL),
        ('for=198.51.100.1;host="a,for=203.0.113.9"', REAL),  # a comma and a name within quotes
        ('host=";for=203.0.113.9";for=198.51.100.1', REAL),
        ('for="203.0.113.9, for=198.51.100.1', REAL),  # left open by somebody, to swallow what the proxy adds
        (r'for=203.0.113.9;host="\", for=198.51.100.1', REAL),
        ("for=unknown", PROXY),
        ("for=_hidden", PROXY),
        ("for=203.0.113.9, proto=https", PROXY),  # it names nobody
        ("for=203.0.113.9;for=198.51.100.1", PROXY),
        ("for=203.0.113.9, for", PROXY),
        ("for=203.0.113.9,", PROXY),
        ('for="203.0.113.9', PROXY),
        (f"for=203.0.113.9;host={'a' * LONGEST_ELEMENT}", PROXY),
        (f"for=203.0.113.9, {'a,' * LONGEST_ELEMENT}", PROXY),
    ],
)
def test_forwarded_is_read_from_the_right_too(forwarded, counts):
    assert client_address(PROXY, "", forwarded, PROXIES) == counts
    assert client_address("203.0.113.5", "", forwarded, PROXIES) == "203.0.113.5"


@pytest.mark.parametrize(
    ("header", "x_forwarded_for", "forwarded", "counts"),
    [
        (None, REAL, f'for="{REAL}:4711"', REAL),
        (None, REAL, "for=203.0.113.9", PROXY),  # one of them a client may have written
        (None, REAL, "nonsense", PROXY),
        (None, REAL, " ", REAL),
        ("x-forwarded-for", REAL, "for=203.0.113.9", REAL),
        ("forwarded", "203.0.113.9", f"for={REAL}", REAL),
        ("x-forwarded-for", "", "for=203.0.113.9", PROXY),
        ("forwarded", "203.0.113.9", "", PROXY),
    ],
)
def test_no_client_chooses_its_address_by_the_header_that_the_proxy_does_not_write(
    header, x_forwarded_for, forwarded, counts
):
    proxies = TrustedProxies(PROXIES.networks, header)
    assert client_address(PROXY, x_forwarded_for, forwarded, proxies) == counts


@given(sent=st.text(st.characters(min_codepoint=32, max_codepoint=255)))
def test_whatever_a_client_sends_at_the_left_what_the_proxy_adds_counts(sent):
    written = TrustedProxies(PROXIES.networks, "forwarded")
    assert client_address(PROXY, "", f"{sent}, for={REAL}", written) == REAL
    assert client_address(PROXY, REAL, sent, PROXIES) in (REAL, PROXY)


def test_without_trusted_proxies_no_header_counts():
    assert client_address("10.0.0.1", "198.51.100.1", "for=198.51.100.1", TrustedProxies()) == "10.0.0.1"


@pytest.mark.parametrize("text", ["", "proxy.example", "10.0.0.1/8", "10.0.0.0/33"])
def test_what_is_no_network_is_refused(text):
    with pytest.raises(ValueError, match="no address and no network"):
        network_of(text)
