"""A gateway without keys serves whoever runs it, and not the pages that they look at.

Listening on loopback keeps other machines out, but a browser on this one sends what any page tells it to. So the name
it was called by must be loopback's (another one may have been pointed here), pages of other origins need the policy's
leave, and a body must say that it is JSON, or come with a credential, which is not looked at: neither can a page do
without asking first.
"""

from __future__ import annotations

from collections.abc import Mapping

from router.core.origin import host_name, is_loopback, origin_of
from router.gateway.errors import ApiError
from router.gateway.request import Request
from router.surfaces.form import is_form

_FROM_HERE = ("same-origin", "none")
_JSON = "application/json"
_CREDENTIALS = frozenset({"authorization", "x-api-key"})
"""SDKs send one of them in any case."""


class NoGuard:
    """With keys: a page does not know any."""

    def __init__(self, origins: tuple[str, ...] = ()) -> None:
        self._origins = frozenset(origins)

    def admit(self, request: Request) -> None:
        pass


class Guard(NoGuard):
    """`origins` are those whose pages may call the gateway, "*" for all."""

    def admit(self, request: Request) -> None:
        """Raises ApiError."""
        headers = request.headers
        host = headers.get("host")
        if host is not None and not is_loopback(host_name(host)):
            raise _unknown_host()
        if request.method == "OPTIONS":  # a page asks whether it may ask
            return
        if not self._may_ask(headers):
            raise _foreign_origin()
        if request.method == "POST" and not self._says_what_no_page_can(headers):
            raise _not_json()

    def _says_what_no_page_can(self, headers: Mapping[str, str]) -> bool:
        content_type = headers.get("content-type", "")
        return _is_json(content_type) or (is_form(content_type) and not _CREDENTIALS.isdisjoint(headers))

    def _may_ask(self, headers: Mapping[str, str]) -> bool:
        origin = headers.get("origin")
        if origin is None:
            return headers.get("sec-fetch-site", "none") in _FROM_HERE
        return origin in self._origins or "*" in self._origins or _is_own(origin, headers.get("host", ""))


def _is_own(origin: str, host: str) -> bool:
    """That of the very host that was asked."""
    place = origin_of(origin)
    return place is not None and origin.partition("://")[2].lower() == host.lower()


def _is_json(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return kind == _JSON or (kind.startswith("application/") and kind.endswith("+json"))


def _unknown_host() -> ApiError:
    message = (
        "Without keys the gateway answers on this machine only, to the names localhost, 127.0.0.1 and [::1]."
        " Use one of these, or give the policy keys."
    )
    return ApiError(421, "unknown_host", message, retryable=False)


def _foreign_origin() -> ApiError:
    message = (
        "Pages of other origins may not use a gateway without keys."
        " An admin can name the origin under `server.cors_origins` in the policy."
    )
    return ApiError(403, "foreign_origin", message, retryable=False)


def _not_json() -> ApiError:
    message = (
        "Without keys the gateway takes JSON only, or forms with any credential: send the header"
        " `content-type: application/json`, or for a form `authorization: Bearer any`."
    )
    return ApiError(415, "unsupported_media_type", message, retryable=False)
