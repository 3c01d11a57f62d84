import pytest

from router.ledger.address import Address, parse_address


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://cache", Address("cache:6379", host="cache")),
        ("valkey://cache:7000/2", Address("cache:7000", host="cache", port=7000, database=2)),
        ("redis://:s%40crt@cache", Address("cache:6379", host="cache", password="s@crt")),
        ("redis://u:p@[::1]:7000?db=3", Address("::1:7000", None, "::1", 7000, False, None, "u", "p", 3)),
        ("rediss://cache?ssl_ca_certs=/ca.pem", Address("cache:6379", host="cache", tls=True, ca_certs="/ca.pem")),
        ("unix:///run/a%20b.sock?db=1", Address("unix socket /run/a b.sock", path="/run/a b.sock", database=1)),
        ("unix://:pw@/run/a.sock", Address("unix socket /run/a.sock", path="/run/a.sock", password="pw")),
    ],
)
def test_urls_are_read(url, address):
    assert parse_address(url) == address


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://u:hunter2@cache", "begins with"),
        ("cache:6379", "begins with"),
        ("unix://u:hunter2@relative.sock", "absolute path"),
        ("redis://u:hunter2@cache/one", "database"),
        ("redis://u:hunter2@cache:99999", "port"),
        ("redis://u:hunter2@cache?ssl_ca_certs=/ca.pem", "ssl_ca_certs"),
    ],
)
def test_urls_that_cannot_be_used_are_explained_without_their_password(url, message):
    with pytest.raises(ValueError, match=message) as raised:
        parse_address(url)
    assert "hunter2" not in str(raised.value)


def test_an_address_shows_no_password():
    assert "hunter2" not in repr(parse_address("redis://u:hunter2@cache"))


def test_only_tls_addresses_have_a_context():
    assert parse_address("redis://cache").ssl_context() is None
    assert parse_address("rediss://cache").ssl_context() is not None
