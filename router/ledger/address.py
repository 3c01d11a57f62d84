"""Where the ledger's server is: redis://, rediss://, valkey://, valkeys:// and unix:// URLs."""

from __future__ import annotations

import ssl
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from msgspec import Struct

_PLAIN = ("redis", "valkey")
_TLS = ("rediss", "valkeys")
_DEFAULT_PORT = 6379


class Address(Struct, frozen=True):
    """A server, and how to log in. `name` is for people and has no secrets."""

    name: str
    path: str | None = None
    host: str = "localhost"
    port: int = _DEFAULT_PORT
    tls: bool = False
    ca_certs: str | None = None
    username: str | None = None
    password: str | None = None
    database: int = 0

    def __repr__(self) -> str:
        return f"Address({self.name})"

    def ssl_context(self) -> ssl.SSLContext | None:
        return ssl.create_default_context(cafile=self.ca_certs) if self.tls else None


def parse_address(url: str) -> Address:
    """Reads redis[s]://[user:password@]host[:port][/database] and unix://[user:password@]/path[?db=N].

    `?ssl_ca_certs=FILE` names the certificate authorities of a TLS server. Raises ValueError, without repeating
    the URL: it may hold a password.
    """
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return _unix(parts)
    if parts.scheme in _PLAIN + _TLS:
        return _tcp(parts)
    raise ValueError("the ledger's URL begins with redis://, rediss://, valkey://, valkeys:// or unix://")


def _unix(parts: SplitResult) -> Address:
    options = _options(parts, {"db"})
    path = unquote(parts.path)
    if not path.startswith("/"):
        raise ValueError("a unix:// URL of the ledger needs an absolute path: unix:///run/redis.sock")
    username, password = _credentials(parts)
    database = _database(options.get("db", "0"))
    return Address(f"unix socket {path}", path=path, username=username, password=password, database=database)


def _tcp(parts: SplitResult) -> Address:
    tls = parts.scheme in _TLS
    options = _options(parts, {"db", "ssl_ca_certs"} if tls else {"db"})
    host = parts.hostname or "localhost"
    port = _port(parts)
    username, password = _credentials(parts)
    return Address(
        f"{host}:{port}",
        host=host,
        port=port,
        tls=tls,
        ca_certs=options.get("ssl_ca_certs"),
        username=username,
        password=password,
        database=_database(parts.path.strip("/") or options.get("db", "0")),
    )


def _options(parts: SplitResult, known: set[str]) -> dict[str, str]:
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    if unknown := sorted(set(options) - known):
        raise ValueError(f"the ledger's URL has an option that is not known: {unknown[0]}")
    return options


def _credentials(parts: SplitResult) -> tuple[str | None, str | None]:
    return (unquote(parts.username) if parts.username else None, unquote(parts.password) if parts.password else None)


def _port(parts: SplitResult) -> int:
    try:
        return parts.port or _DEFAULT_PORT
    except ValueError:
        raise ValueError("the port in the ledger's URL is not a number from 0 to 65535") from None


def _database(text: str) -> int:
    if not text.isdecimal():
        raise ValueError("the database in the ledger's URL is not a number")
    return int(text)
