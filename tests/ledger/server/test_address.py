import pytest

from router.ledger.server.address import parse_address
from router.ledger.server.discovery import Address, Cluster, Sentinels


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
        (
            "redis+sentinel://u:p%2C@a:7000,[::1],b/mymaster/3?sentinel_username=s&sentinel_password=q",
            Sentinels(
                "master mymaster at sentinels a:7000,::1:26379,b:26379",
                (
                    Address("a:7000", host="a", port=7000, username="s", password="q"),
                    Address("::1:26379", host="::1", port=26379, username="s", password="q"),
                    Address("b:26379", host="b", port=26379, username="s", password="q"),
                ),
                "mymaster",
                Address("", username="u", password="p,", database=3),
            ),
        ),
        (
            "valkeys+sentinel://a/m.1?ssl_ca_certs=/ca.pem",
            Sentinels(
                "master m.1 at sentinels a:26379",
                (Address("a:26379", host="a", port=26379, tls=True, ca_certs="/ca.pem"),),
                "m.1",
                Address("", tls=True, ca_certs="/ca.pem"),
            ),
        ),
        (
            "redis+cluster://:p@a, [fe80::1]:7000/0",
            Cluster(
                "cluster at a:6379,fe80::1:7000",
                (
                    Address("a:6379", host="a", password="p"),
                    Address("fe80::1:7000", host="fe80::1", port=7000, password="p"),
                ),
            ),
        ),
        ("rediss+cluster://a", Cluster("cluster at a:6379", (Address("a:6379", host="a", tls=True),))),
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
        ("redis://u:hunter2[x@cache", "cannot be read"),
        ("redis://u:hunter2\u2100@cache", "cannot be read"),
        ("redis://u:hunter2@a:1,b:2", r"need redis\+sentinel:// or redis\+cluster://"),
        ("redis+http://u:hunter2@cache", "begins with"),
        ("redis+sentinel://u:hunter2@a,b", "needs the master's name"),
        ("redis+sentinel://u:hunter2@a,b/my master", "needs the master's name"),
        ("redis+sentinel://u:hunter2@a/mymaster/one", "database"),
        ("redis+sentinel://u:hunter2@a/mymaster?sentinel=hunter2", "not known: sentinel$"),
        ("redis+sentinel://u:hunter2@a:x/mymaster", "port"),
        ("redis+sentinel://u:hunter2@/mymaster", "host is missing"),
        ("redis+cluster://u:hunter2@a,,b", "host is missing"),
        ("redis+cluster://u:hunter2@::1:7000", "in brackets"),
        ("redis+cluster://u:hunter2@a,[::1", "cannot be read"),
        ("redis+cluster://u:hunter2@a/2", "only database 0"),
        ("redis+cluster://u:hunter2@a?sentinel_password=hunter2", "not known: sentinel_password$"),
    ],
)
def test_urls_that_cannot_be_used_are_explained_without_their_password(url, message):
    with pytest.raises(ValueError, match=message) as raised:
        parse_address(url)
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    "url",
    [
        "redis://u:hunter2@cache",
        "redis+sentinel://u:hunter2@a,b/mymaster?sentinel_password=hunter2",
        "redis+cluster://u:hunter2@a,b",
    ],
)
def test_an_address_shows_no_password(url):
    address = parse_address(url)
    assert "hunter2" not in repr(address) + address.name


def test_only_tls_addresses_have_a_context():
    assert parse_address("redis://cache").ssl_context() is None
    assert parse_address("rediss://cache").ssl_context() is not None
