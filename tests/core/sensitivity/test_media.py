"""What a request may name for somebody else to fetch."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from router.core.origin import LONGEST
from router.core.policy import Media
from router.core.sensitivity.media import FORBIDDEN, NOTHING, OUTSIDE, Fetch, fetch_of, is_public, one_of_each

EVERYTHING_PUBLIC = Media()


def test_one_address_of_each_place_says_what_all_of_them_would() -> None:
    cats = [f"https://cats.example/{number}.png" for number in range(9)]
    other, long = "https://cats.example:8443/", "https://cats.example/" + "x" * 2 * LONGEST
    assert one_of_each([*cats, other, "https://CATS.example", ""]) == (cats[0], other, "")
    assert one_of_each([long, "file:///etc"]) == (long[: LONGEST + 1],)
    assert fetch_of(one_of_each([long]), EVERYTHING_PUBLIC) == fetch_of([long], EVERYTHING_PUBLIC) == FORBIDDEN


@pytest.mark.parametrize(
    "host",
    ["cats.example", "a.b-c.co.uk", "xn--bcher-kva.example", "8.8.8.8", "2606:4700::1111", "localhost.example"],
)
def test_a_host_that_anybody_may_ask(host: str) -> None:
    assert is_public(host)


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.5", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
        *("169.254.169.254", "100.64.0.1", "100.100.100.200", "192.0.0.192", "224.0.0.1", "255.255.255.255"),
        *("168.63.129.16", "198.18.0.1", "203.0.113.7"),
        *("::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8"),
        *("64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:db8::1"),
        *("2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1", "017700000001", "1.1.1.1.1", "256.1.1.1"),
        *("010.0.0.1", "10.0.0.0x5", "127.0.0.1.", "localhost", "redis", "metadata", "metadata.google.internal"),
        *("kubernetes.default.svc.cluster.local", "printer.lan", "nas.home.arpa", "127.0.0.1.nip.io"),
        *("10-0-0-1.sslip.io", "localtest.me", "app.localhost", "a..example", ".example", "under_score.example", ""),
    ],
)
def test_an_inner_host_is_none_however_it_is_spelled(host: str) -> None:
    assert not is_public(host)


@pytest.mark.parametrize(
    ("address", "fetch"),
    [
        ("https://cats.example/a.png", OUTSIDE),
        ("https://cats.example:8443/a.png?x=1#y", OUTSIDE),
        ("http://cats.example/a.png", FORBIDDEN),
        ("https://10.0.0.5/a.png", FORBIDDEN),
        ("https://user:password@cats.example/", FORBIDDEN),
        ("https://[::ffff:7f00:1]/", FORBIDDEN),
        ("https://0x7f000001/", FORBIDDEN),
        ("https://127.0.0.1./", FORBIDDEN),
        ("https://cats.example\\@10.0.0.5/", FORBIDDEN),
        ("https://\uff11\uff12\uff17.0.0.1/", FORBIDDEN),
        ("file:///etc/passwd", FORBIDDEN),
        ("ftp://cats.example/a", FORBIDDEN),
        ("gs://bucket.example/a", FORBIDDEN),
        ("/etc/passwd", FORBIDDEN),
        ("iVBORw0KGgo", FORBIDDEN),
    ],
)
def test_only_public_hosts_by_https_are_fetched_from(address: str, fetch: Fetch) -> None:
    assert fetch_of([address], EVERYTHING_PUBLIC) == fetch
    assert fetch_of(["https://cats.example/", address], EVERYTHING_PUBLIC) == fetch


def test_nothing_is_fetched_for_a_request_that_names_nothing() -> None:
    assert fetch_of([], EVERYTHING_PUBLIC) == NOTHING


@pytest.mark.parametrize(
    ("address", "fetch"),
    [
        ("https://images.example/a", OUTSIDE),
        ("https://IMAGES.example:443/a", OUTSIDE),
        ("https://eu.cdn.example/a", OUTSIDE),
        ("https://ports.example:8443/a", OUTSIDE),
        ("https://ports.example/a", FORBIDDEN),
        ("https://cdn.example/a", FORBIDDEN),
        ("https://evilcdn.example/a", FORBIDDEN),
        ("https://images.example.evil.example/a", FORBIDDEN),
        ("http://images.example/a", FORBIDDEN),
        ("http://10.0.0.5/a", NOTHING),
        ("http://10.0.0.6/a", FORBIDDEN),
        ("http://[fd00::1]:9000/a", NOTHING),
    ],
)
def test_a_list_of_hosts_narrows_and_names_inner_ones(address: str, fetch: Fetch) -> None:
    hosts = ("images.example", "*.cdn.example", "ports.example:8443", "10.0.0.5", "[fd00::1]:9000")
    assert fetch_of([address], Media(allow_hosts=hosts)) == fetch
    assert fetch_of([address], Media(allow_hosts=())) == FORBIDDEN


@pytest.mark.parametrize("address", ["http://minio.example/a", "https://minio.example/a", "http://10.0.0.5:9000/a"])
def test_own_hosts_are_no_outside_and_narrow_nothing(address: str) -> None:
    own = Media(own_hosts=("minio.example", "10.0.0.5:9000"))
    assert fetch_of([address], own) == NOTHING
    assert fetch_of([address, "https://cats.example/"], own) == OUTSIDE
    assert fetch_of([address, "http://10.0.0.5:9001/"], own) == FORBIDDEN


@pytest.mark.parametrize("host", ["https://cats.example", "cats.example/path", "a b", "*", "user@cats.example", ""])
def test_what_is_no_host_is_not_taken(host: str) -> None:
    with pytest.raises(ValidationError):
        Media(own_hosts=(host,))
