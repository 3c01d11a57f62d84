"""Requests that cannot be served: each gets OpenAI's error object, and the gateway goes on serving."""

from __future__ import annotations

import gzip
import json

import pytest

GOOD = b'{"model":"chat","messages":[{"role":"user","content":"hello"}]}'


def post(body: bytes = GOOD, *headers: str, path: str = "/v1/chat/completions", length: int | None = None) -> bytes:
    lines = "".join(f"{line}\r\n" for line in headers)
    size = len(body) if length is None else length
    return (
        f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {size}\r\n{lines}connection: close\r\n\r\n".encode() + body
    )


def get(path: str, method: str = "GET") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode()


def head(*lines: str) -> bytes:
    return "\r\n".join(["GET /healthz HTTP/1.1", "host: x", *lines, "", ""]).encode()


CHUNKED = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"

TABLE: list[tuple[str, bytes, int, str]] = [
    ("no body", post(b""), 400, "invalid_json"),
    ("not JSON", post(b"hello"), 400, "invalid_json"),
    ("JSON cut off", post(GOOD[:-5]), 400, "invalid_json"),
    ("not UTF-8", post(b'{"model":"chat","messages":"\xff\xfe"}'), 400, "invalid_json"),
    ("a list", post(b"[]"), 400, "invalid_json"),
    ("no model", post(b'{"messages":[]}'), 400, "missing_required_parameter"),
    ("a model that is a number", post(b'{"model":7}'), 400, "invalid_type"),
    ("an unknown model", post(b'{"model":"gpt-99","messages":[]}'), 404, "model_not_found"),
    ("stream that is text", post(b'{"model":"chat","stream":"yes","messages":[]}'), 400, "invalid_type"),
    ("nested a thousand times too deep", post(b'{"model":"chat","messages":' + b"[" * 100_000), 400, "invalid_json"),
    ("gzip that is none", post(GOOD, "content-encoding: gzip"), 400, "malformed_body"),
    ("gzip cut off", post(gzip.compress(GOOD)[:-9], "content-encoding: gzip"), 400, "malformed_body"),
    ("an encoding that is not known", post(GOOD, "content-encoding: br"), 415, "unsupported_encoding"),
    ("a gzip bomb", post(gzip.compress(b" " * 200_000_000, 1), "content-encoding: gzip"), 413, "request_too_large"),
    ("a body that says it is too large", post(b"", length=10_000_000_000), 413, "request_too_large"),
    ("headers that are too large", post(GOOD, "x-large: " + "x" * 70_000), 431, "headers_too_large"),
    ("a URL that is too long", get("/" + "x" * 20_000), 414, "uri_too_long"),
    ("two lengths", post(GOOD, "content-length: 1"), 400, "malformed_http"),
    ("a length and chunks", post(GOOD, "transfer-encoding: chunked"), 400, "malformed_http"),
    ("a length that is no number", b"POST / HTTP/1.1\r\ncontent-length: x\r\n\r\n", 400, "malformed_http"),
    ("a length with a sign", b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: +1\r\n\r\n1", 400, "malformed_http"),
    ("a space before a colon", head("x-a : b"), 400, "malformed_http"),
    ("a folded line", head("x-a: b\r\n c"), 400, "malformed_http"),
    ("a NUL in a header", head("x-a: b\0c"), 400, "malformed_http"),
    ("lines that end with LF alone", b"GET /healthz HTTP/1.1\nhost: x\n\n", 400, "malformed_http"),
    ("a line without a colon", head("x-a"), 400, "malformed_http"),
    ("a method nobody knows", b"FETCH / HTTP/1.1\r\nhost: x\r\n\r\n", 400, "malformed_http"),
    ("a chunk that has no size", CHUNKED + b"x\r\n", 400, "malformed_http"),
    ("a chunk with a negative size", CHUNKED + b"-1\r\n", 400, "malformed_http"),
    ("chunks twice", post(b"", "transfer-encoding: chunked, chunked"), 400, "malformed_http"),
    ("chunks in HTTP/1.0", CHUNKED.replace(b"1.1", b"1.0"), 400, "malformed_http"),
    ("no host", b"GET /healthz HTTP/1.1\r\n\r\n", 400, "missing_host"),
    ("two hosts", head("Host: y"), 400, "several_hosts"),
    ("two hosts that are one", head("HOST: x"), 400, "several_hosts"),
    ("compressed chunks", CHUNKED.replace(b"chunked", b"gzip, chunked"), 501, "transfer_encoding_not_supported"),
    ("compressed and no chunks", CHUNKED.replace(b"chunked", b"gzip"), 501, "transfer_encoding_not_supported"),
    (
        "an identity nobody sends any more",
        CHUNKED.replace(b"chunked", b"identity"),
        501,
        "transfer_encoding_not_supported",
    ),
    ("HTTP/2.0 by its name", b"GET /healthz HTTP/2.0\r\nhost: x\r\n\r\n", 505, "http_version_not_supported"),
    ("HTTP/1.2", b"GET /healthz HTTP/1.2\r\nhost: x\r\n\r\n", 505, "http_version_not_supported"),
    ("HTTP/3", b"GET /healthz HTTP/3.0\r\nhost: x\r\n\r\n", 505, "http_version_not_supported"),
    ("HTTP/0.9", b"GET /healthz\r\n\r\n", 505, "http_version_not_supported"),
    ("HTTP/2's preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 505, "http_version_not_supported"),
    ("a tunnel", b"CONNECT example.com:443 HTTP/1.1\r\nhost: example.com:443\r\n\r\n", 405, "method_not_allowed"),
    ("a trace", get("/v1/chat/completions", "TRACE"), 405, "method_not_allowed"),
    ("not HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, "malformed_http"),
    ("an expectation nobody meets", post(GOOD, "expect: 200-maybe"), 417, "expectation_failed"),
    ("a quality that is no number", post(GOOD, "x-breakeven-quality: high"), 400, "invalid_value"),
    ("a path that does not exist", post(path="/v1/unknown"), 404, "unknown_url"),
    ("GET where POST is meant", get("/v1/chat/completions"), 405, "method_not_allowed"),
    ("POST where GET is meant", post(path="/v1/models"), 405, "method_not_allowed"),
    ("a model that is not listed", get("/v1/models/gpt-99"), 404, "model_not_found"),
    (
        "a WebSocket",
        b"GET /v1/responses HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
        404,
        "upgrade_not_supported",
    ),
]


@pytest.mark.parametrize(("sent", "status", "code"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
async def test_gets_openais_error_object(gateway, sent, status, code):
    answered, headers, body = await gateway.exchange(sent)
    error = json.loads(body)["error"]
    assert (answered, error["code"]) == (status, code)
    assert error.keys() == {"message", "type", "param", "code"}
    assert error["message"] and headers["content-type"] == "application/json" and headers["x-request-id"]
    assert (await gateway.exchange(post()))[0] == 200


async def test_a_request_that_never_ends_is_answered_and_closed(serve):
    from support.gateway import POLICY

    gateway = await serve(POLICY + "server: {body_timeout: 100ms}\n")
    status, _, body = await gateway.exchange(post(b"half", length=100))
    assert (status, json.loads(body)["error"]["code"]) == (408, "request_timeout")


async def test_no_message_repeats_the_request(gateway):
    for _, sent, _, _ in TABLE:
        _, _, body = await gateway.exchange(sent)
        assert b"hello" not in body
