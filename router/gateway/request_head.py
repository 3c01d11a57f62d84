"""What the head of a request must be besides well-formed (RFC 9110 and 9112); pure functions.

The parser sees to the rest: line ends, names, folded lines, lengths that contradict each other.
"""

from __future__ import annotations

from collections.abc import Mapping

from router.gateway.errors import ApiError
from router.surfaces.paths import plain
from router.surfaces.registry import INSTEAD

VERSIONS = ("1.1", "1.0")
ALLOWED = "GET, HEAD, POST, OPTIONS"
_TOO_NEW = ("Invalid HTTP version", "Pause on PRI/Upgrade")
"""What the parser says of a version that it does not know, and of HTTP/2's preface."""


def check(method: str, path: str, version: str, headers: Mapping[str, str], upgrade: bool) -> None:
    """Raises ApiError when nothing is to be done for a request with such a head. Repeated headers are joined by ", ".

    `upgrade`: it wants to go on in another protocol, and that was not ignored.
    """
    if version not in VERSIONS:
        raise _unknown_version()
    host = headers.get("host")
    if host is None:
        if version == "1.1":
            raise ApiError(400, "missing_host", "An HTTP/1.1 request needs one Host header, and this one has none.")
    elif "," in host:
        raise ApiError(400, "several_hosts", "The request has more than one Host header, and must have one.")
    coding = headers.get("transfer-encoding")
    if coding is not None:
        _check_coding(coding, version)
    if upgrade:
        raise _no_upgrade(method, path)
    if headers.get("expect", "100-continue").lower() != "100-continue":
        raise ApiError(417, "expectation_failed", "The only expectation that is met is 100-continue.")


def ignorable(headers: Mapping[str, str]) -> bool:
    """Whether an offer to go on in another protocol is just that: Java's client and curl offer HTTP/2 in passing, and
    go on without. A WebSocket client has nothing else to say, and should learn at once that there is none."""
    offered = headers.get("upgrade", "").lower().split(",")
    return all(each.strip().partition("/")[0] != "websocket" for each in offered)


def malformed(reason: str) -> ApiError:
    """`reason` is the parser's, of a fixed list: nothing of the request is in it."""
    if reason in _TOO_NEW:
        return _unknown_version()
    return ApiError(400, "malformed_http", f"The request is not valid HTTP/1.1: {reason}.")


def _check_coding(coding: str, version: str) -> None:
    if version == "1.0":
        raise ApiError(400, "malformed_http", "HTTP/1.0 has no transfer-encoding; its length is not known then.")
    if coding.strip().lower() != "chunked":
        message = "The only transfer-encoding here is chunked. Compressed bodies say so by content-encoding: gzip."
        raise ApiError(501, "transfer_encoding_not_supported", message, retryable=False)


def _no_upgrade(method: str, path: str) -> ApiError:
    if method == "CONNECT":
        return ApiError(405, "method_not_allowed", "Nothing here is a proxy for other servers.", allow=ALLOWED)
    message = "Nothing here speaks WebSocket or upgrades to another protocol."
    return ApiError(404, "upgrade_not_supported", INSTEAD.get(plain(path), message))


def _unknown_version() -> ApiError:
    return ApiError(
        505, "http_version_not_supported", "HTTP/1.1 and HTTP/1.0 are spoken here, on this port.", retryable=False
    )
