"""Reading the ledger's URL: one server, the master that sentinels know, or a cluster."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from router.ledger.server.discovery import DEFAULT_PORT, Address, Cluster, Sentinels, ServerAddress

_PLAIN = ("redis", "valkey")
_TLS = ("rediss", "valkeys")
_SENTINEL_PORT = 26379
_SENTINEL_LOGIN = {"sentinel_username", "sentinel_password"}
_MASTER_NAME = re.compile(r"[\w.-]+", re.ASCII)


def parse_address(url: str) -> ServerAddress:
    """Reads the URL of the ledger.

    redis[s]://[user:password@]host[:port][/database]
    unix://[user:password@]/path[?db=N]
    redis[s]+sentinel://[user:password@]host[:port],host[:port]/master-name[/database]
    redis[s]+cluster://[user:password@]host[:port],host[:port]

    valkey and valkeys say the same as redis and rediss. `?ssl_ca_certs=FILE` names the certificate authorities of TLS
    servers. The login is the master's; sentinels that ask for one get `?sentinel_username=..&sentinel_password=..`.
    Raises ValueError, without repeating the URL: it may hold a password.
    """
    scheme, _, rest = url.partition("://")
    family, _, kind = scheme.lower().partition("+")
    if family in _PLAIN + _TLS and kind in ("sentinel", "cluster"):
        return _several(family in _TLS, kind, rest)
    parts = _split(url)
    if parts.scheme == "unix":
        return _unix(parts)
    if parts.scheme in _PLAIN + _TLS:
        return _tcp(parts)
    raise ValueError(
        "the ledger's URL begins with redis://, rediss://, valkey://, valkeys:// or unix://, "
        "or with redis+sentinel:// or redis+cluster:// and their TLS forms"
    )


def _unix(parts: SplitResult) -> Address:
    options = _options(parts, {"db"})
    path = unquote(parts.path)
    if not path.startswith("/"):
        raise ValueError("a unix:// URL of the ledger needs an absolute path: unix:///run/redis.sock")
    username, password = _credentials(parts)
    database = _database(options.get("db", "0"))
    return Address(f"unix socket {path}", path=path, username=username, password=password, database=database)


def _tcp(parts: SplitResult) -> Address:
    if "," in parts.netloc.rpartition("@")[2]:
        raise ValueError("several hosts in the ledger's URL need redis+sentinel:// or redis+cluster://")
    options = _options(parts, {"db", "ssl_ca_certs"} if parts.scheme in _TLS else {"db"})
    database = _database(parts.path.strip("/") or options.get("db", "0"))
    return _server(parts, parts.scheme in _TLS, options, database).at(
        parts.hostname or "localhost", _port(parts, DEFAULT_PORT)
    )


def _several(tls: bool, kind: str, rest: str) -> Sentinels | Cluster:
    """`rest` begins with hosts between commas, which `urlsplit` does not know; it reads everything else."""
    end = re.search("[/?#]|$", rest)
    assert end is not None
    login, at, hosts = rest[: end.start()].rpartition("@")
    parts = _split(f"several://{login}{at}hosts{rest[end.start() :]}")
    return (_sentinels if kind == "sentinel" else _cluster)(parts, hosts, tls)


def _sentinels(parts: SplitResult, hosts: str, tls: bool) -> Sentinels:
    options = _options(parts, {"db", *_SENTINEL_LOGIN} | ({"ssl_ca_certs"} if tls else set()))
    master, _, database = unquote(parts.path).strip("/").partition("/")
    if not _MASTER_NAME.fullmatch(master):
        raise ValueError(
            "a sentinel URL of the ledger needs the master's name (letters, digits, '.', '-' and '_') after the hosts: "
            "redis+sentinel://host:26379,host:26379/mymaster"
        )
    server = _server(parts, tls, options, _database(database or options.get("db", "0")))
    sentinel = Address(
        "",
        tls=tls,
        ca_certs=server.ca_certs,
        username=options.get("sentinel_username"),
        password=options.get("sentinel_password"),
    )
    seeds = _seeds(sentinel, hosts, _SENTINEL_PORT)
    return Sentinels(f"master {master} at sentinels {_names(seeds)}", seeds, master, server)


def _cluster(parts: SplitResult, hosts: str, tls: bool) -> Cluster:
    options = _options(parts, {"db", "ssl_ca_certs"} if tls else {"db"})
    if _database(parts.path.strip("/") or options.get("db", "0")) != 0:
        raise ValueError("a cluster has only database 0: leave the database out of the ledger's URL")
    seeds = _seeds(_server(parts, tls, options, 0), hosts, DEFAULT_PORT)
    return Cluster(f"cluster at {_names(seeds)}", seeds)


def _server(parts: SplitResult, tls: bool, options: dict[str, str], database: int) -> Address:
    """How to log in, on a host that is still open."""
    username, password = _credentials(parts)
    ca_certs = options.get("ssl_ca_certs")
    return Address("", tls=tls, ca_certs=ca_certs, username=username, password=password, database=database)


def _seeds(server: Address, hosts: str, default_port: int) -> tuple[Address, ...]:
    found = []
    for host in hosts.split(","):
        parts = _split(f"several://{host.strip()}")
        if not parts.hostname:
            raise ValueError(
                "a host is missing in the ledger's URL: they stand as host:port between commas, "
                "an IPv6 address in brackets"
            )
        found.append(server.at(parts.hostname, _port(parts, default_port)))
    return tuple(found)


def _names(seeds: tuple[Address, ...]) -> str:
    return ",".join(seed.name for seed in seeds)


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:  # its text may repeat the URL
        raise ValueError(
            "the ledger's URL cannot be read: an IPv6 address stands in brackets, and special characters of a password "
            "are written as %XX"
        ) from None


def _options(parts: SplitResult, known: set[str]) -> dict[str, str]:
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    if unknown := sorted(set(options) - known):
        raise ValueError(f"the ledger's URL has an option that is not known: {unknown[0]}")
    return options


def _credentials(parts: SplitResult) -> tuple[str | None, str | None]:
    return (unquote(parts.username) if parts.username else None, unquote(parts.password) if parts.password else None)


def _port(parts: SplitResult, default: int) -> int:
    try:
        return parts.port or default
    except ValueError:
        raise ValueError("the port in the ledger's URL is not a number from 0 to 65535") from None


def _database(text: str) -> int:
    if not text.isdecimal():
        raise ValueError("the database in the ledger's URL is not a number")
    return int(text)
