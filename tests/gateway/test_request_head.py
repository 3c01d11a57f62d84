from __future__ import annotations

import pytest

from router.gateway.errors import ApiError
from router.gateway.request_head import check, ignorable, malformed
from router.surfaces.registry import INSTEAD

HOST = {"host": "gateway"}


def refusal(
    headers: dict[str, str], *, method: str = "GET", path: str = "/", version: str = "1.1", upgrade: bool = False
) -> str:
    """Status and code; empty when the head will do."""
    try:
        check(method, path, version, headers, upgrade)
    except ApiError as error:
        assert error.message.endswith(".")
        return f"{error.status} {error.code}"
    return ""


@pytest.mark.parametrize(
    ("headers", "version"),
    [
        (HOST, "1.1"),
        ({"host": ""}, "1.1"),
        ({}, "1.0"),
        (HOST | {"transfer-encoding": "Chunked"}, "1.1"),
        (HOST | {"expect": "100-Continue"}, "1.1"),
        (HOST | {"te": "trailers"}, "1.1"),
    ],
)
def test_heads_that_will_do(headers, version):
    assert refusal(headers, version=version) == ""


@pytest.mark.parametrize(
    ("headers", "version", "expected"),
    [
        ({}, "1.1", "400 missing_host"),
        ({"host": "a, a"}, "1.1", "400 several_hosts"),
        ({"host": "a, b"}, "1.0", "400 several_hosts"),
        (HOST | {"transfer-encoding": "gzip, chunked"}, "1.1", "501 transfer_encoding_not_supported"),
        (HOST | {"transfer-encoding": ""}, "1.1", "501 transfer_encoding_not_supported"),
        (HOST | {"transfer-encoding": "chunked"}, "1.0", "400 malformed_http"),
        (HOST, "2.0", "505 http_version_not_supported"),
        ({}, "0.9", "505 http_version_not_supported"),
        (HOST | {"expect": "a miracle"}, "1.1", "417 expectation_failed"),
    ],
)
def test_heads_that_will_not(headers, version, expected):
    assert refusal(headers, version=version) == expected


def test_another_protocol_is_not_spoken():
    assert refusal(HOST, upgrade=True) == "404 upgrade_not_supported"
    assert refusal(HOST, method="CONNECT", upgrade=True) == "405 method_not_allowed"


@pytest.mark.parametrize("path", INSTEAD)
def test_who_wants_a_websocket_is_told_what_to_use_instead(path):
    with pytest.raises(ApiError, match="POST /v1/") as told:
        check("GET", path + "/", "1.1", HOST, True)
    assert (told.value.status, told.value.message) == (404, INSTEAD[path])


@pytest.mark.parametrize("offer", ["h2c", "H2C", "TLS/1.0, HTTP/2.0", ""])
def test_an_offer_in_passing_may_be_ignored(offer):
    assert ignorable({"upgrade": offer})


@pytest.mark.parametrize("offer", ["websocket", "WebSocket", "h2c, websocket/13"])
def test_a_websocket_may_not(offer):
    assert not ignorable({"upgrade": offer})


@pytest.mark.parametrize(
    ("reason", "status"),
    [("Invalid HTTP version", 505), ("Pause on PRI/Upgrade", 505), ("Invalid header token", 400)],
)
def test_the_parsers_reasons_are_told(reason, status):
    error = malformed(reason)
    assert error.status == status and (status == 505 or reason in error.message)
