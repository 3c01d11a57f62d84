"""Where a replica is."""

from __future__ import annotations

import ssl
from hashlib import sha256
from urllib.parse import quote, urlsplit

from msgspec import Struct

FINGERPRINT_HEADER = "x-adapter-fingerprint"
_JSON = "content-type: application/json"
_ACCEPT = "accept: application/json, text/event-stream"
USER_AGENT = "breakeven"
"""The client's own may say anything."""


class Target(Struct, frozen=True):
    """One replica's address, with everything that each request to it has in common.

    `unix_path` replaces host and port when set. `prefix` comes before an endpoint's path ("/v1"), without
    a trailing slash. `credential` is the value of `credential_header` and never appears in a repr.
    """

    backend: str
    zone: str
    host: str
    port: int
    prefix: str
    tls: ssl.SSLContext | None = None
    unix_path: str | None = None
    credential: str = ""
    credential_header: str = "authorization"
    label: str = ""
    fingerprint: str = ""
    """Of a backend behind the adapter, which refuses another one's."""
    proxy: str = ""
    """URL of the HTTP proxy that it is reached through; empty for none."""
    proxy_tls: ssl.SSLContext | None = None
    """For a proxy that is spoken to with TLS."""

    def __repr__(self) -> str:
        return f"Target({self.backend!r}, zone={self.zone!r}, at={self.label!r})"

    def head(self, path: str, at_root: bool = False) -> bytes:
        """Request line and the headers that never change, without the blank line. `at_root`: of a path of the server's
        root, beside those of a version."""
        lines = [
            f"POST {self.root if at_root else self.prefix}{path} HTTP/1.1",
            f"host: {self.authority}",
            _JSON,
            _ACCEPT,
            "accept-encoding: identity",
            f"user-agent: {USER_AGENT}",
        ]
        if self.credential:
            lines.append(f"{self.credential_header}: {self.credential}")
        if self.fingerprint:
            lines.append(f"{FINGERPRINT_HEADER}: {self.fingerprint}")
        return ("\r\n".join(lines) + "\r\n").encode("latin-1")

    def request_head(self, method: str, path: str, content_type: str) -> bytes:
        """As `head`, for any method, of a path behind the version; no type where there is no body."""
        lines = [
            f"{method} {self.prefix}{path} HTTP/1.1",
            f"host: {self.authority}",
            "accept-encoding: identity",
            f"user-agent: {USER_AGENT}",
        ]
        if content_type:
            lines.append(f"content-type: {content_type}")
        if self.credential:
            lines.append(f"authorization: {self.credential}")
        return ("\r\n".join(lines) + "\r\n").encode("latin-1")

    def get(self, path: str, at_root: bool = True) -> bytes:
        """A whole GET request for a path of the server's root, such as /health, or beside the endpoints."""
        lines = [
            f"GET {self.root if at_root else self.prefix}{path} HTTP/1.1",
            f"host: {self.authority}",
            "accept-encoding: identity",
        ]
        if self.credential:
            lines.append(f"{self.credential_header}: {self.credential}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    @property
    def root(self) -> str:
        """`prefix` without its version."""
        return self.prefix.removesuffix("/v1")

    @property
    def identity(self) -> str:
        """Differs from that of any other address: what one keeps, another has not."""
        return sha256(f"{self.tls is not None} {self.authority}{self.prefix}".encode()).hexdigest()[:16]

    @property
    def through_adapter(self) -> bool:
        return self.unix_path is not None

    @property
    def authority(self) -> str:
        if self.unix_path is not None:
            return "localhost"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"


def target_of_url(
    backend: str,
    zone: str,
    url: str,
    api_key: str | None,
    tls: ssl.SSLContext,
    proxy: str = "",
    key_header: str = "authorization",
    key_scheme: str = "Bearer ",
) -> Target:
    """A replica at a base URL such as http://127.0.0.1:8000/v1; `tls` is used for https only."""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    return Target(
        backend=backend,
        zone=zone,
        host=parts.hostname or "",
        port=parts.port or (443 if secure else 80),
        prefix=parts.path.rstrip("/"),
        tls=tls if secure else None,
        credential=f"{key_scheme}{api_key}" if api_key else "",
        credential_header=key_header,
        label=f"{parts.scheme}://{parts.netloc}",
        proxy=proxy,
        proxy_tls=tls if proxy.startswith("https:") else None,
    )


def target_of_socket(backend: str, zone: str, path: str, fingerprint: str, replica: int | None = None) -> Target:
    """A backend behind the adapter process, which tells backends apart by the first part of the path, and the replicas
    of one by their numbers."""
    number = "" if replica is None else f"/replicas/{replica}"
    prefix = f"/{quote(backend, safe='')}{number}/v1"
    return Target(backend, zone, "", 0, prefix, unix_path=path, label="adapter", fingerprint=fingerprint)


def told(head: bytes, content_type: str, *, any_answer: bool) -> bytes:
    """`Target.head` of a request whose body is of another type than most, or whose answer may be of any."""
    head = head.replace(_JSON.encode(), b"content-type: " + content_type.encode("latin-1"), 1)
    return head.replace(_ACCEPT.encode(), b"accept: */*", 1) if any_answer else head
