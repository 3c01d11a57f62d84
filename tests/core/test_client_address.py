"""Whose address counts: never one that whoever asks could have written."""

from __future__ import annotations

import pytest

from router.core.client_address import client_address, network_of

PROXIES = tuple(map(network_of, ("10.0.0.0/8", "192.0.2.7", "2001:db8::/32")))


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
    assert client_address(peer, forwarded, PROXIES) == counts


def test_without_trusted_proxies_no_header_counts():
    assert client_address("10.0.0.1", "198.51.100.1", ()) == "10.0.0.1"


@pytest.mark.parametrize("text", ["", "proxy.example", "10.0.0.1/8", "10.0.0.0/33"])
def test_what_is_no_network_is_refused(text):
    with pytest.raises(ValueError, match="no address and no network"):
        network_of(text)
