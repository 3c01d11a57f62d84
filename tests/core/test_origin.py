"""Where URLs and Host headers point."""

from __future__ import annotations

import pytest

from router.core.origin import Origin, host_name, is_loopback, origin_of


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("127.0.0.1:8081", "127.0.0.1"),
        ("[::1]:8081", "::1"),
        ("LocalHost.", "localhost"),
        ("breakeven.example", "breakeven.example"),
        ("user@localhost", ""),
        ("localhost/path", ""),
        ("localhost:8080:8080", ""),
        ("[bad", ""),
        ("", ""),
    ],
)
def test_the_name_in_a_host_header(host: str, name: str) -> None:
    assert host_name(host) == name


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://Cats.Example./a.png?b=\u00e9#c", Origin("https", "cats.example", None)),
        ("HTTP://[2001:DB8::1]:8080", Origin("http", "2001:db8::1", 8080)),
        ("https://cats.example#@evil.example/", Origin("https", "cats.example", None)),
        ("gs://bucket_1/a", Origin("gs", "bucket_1", None)),
    ],
)
def test_where_a_url_points(url: str, place: Origin) -> None:
    assert origin_of(url) == place


@pytest.mark.parametrize(
    "url",
    [
        "https://user@cats.example/",
        "https://cats.example\\@evil.example/",
        "https://cats.example/a\\b",
        " https://cats.example/",
        "https://cats.example/a b",
        "https://cats.example/\n",
        "https://cats%2eexample/",
        "https://c\u00e4ts.example/",
        "https://\uff11\uff10.0.0.1/",
        "https:///cats.example",
        "https:cats.example",
        "//cats.example",
        "file:///etc/passwd",
        "/etc/passwd",
        "https://cats.example:port/",
        "https://[::1",
        "https://cats.example/" + "a" * 9000,
        "",
    ],
)
def test_what_could_be_read_in_two_ways_points_nowhere(url: str) -> None:
    assert origin_of(url) is None


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.10", "::1"])
def test_names_and_numbers_of_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["10.0.0.1", "localhost.evil.example", "127.0.0.1.nip.io", "0x7f.1", "2130706433", ""])
def test_nobody_else_is_this_machine(host: str) -> None:
    assert not is_loopback(host)
