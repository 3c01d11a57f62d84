"""What is answered without a backend, what every path has in common, and what is said of paths that there are not."""

from __future__ import annotations

import json
from importlib.metadata import version

import pytest
from support.gateway import POLICY

from router.gateway.own_paths import INVOCATIONS, OWN, unknown_path, wrong_method
from router.surfaces.registry import BY_FIELD, BY_PATH, INSTEAD, WITHHELD

METHODS = dict.fromkeys(BY_PATH, "POST") | {path: methods for path, (methods, _) in OWN.items()}
PLACES = {path.replace("{model}", "chat"): methods for path, methods in METHODS.items()}
SPELLINGS = ("{}", "{}/", "/{}", "{}//")
PAGE = "https://app.example"


def asked(method: str, path: str, *lines: str) -> bytes:
    length = ["content-length: 2"] if method == "POST" else []
    head = [f"{method} {path} HTTP/1.1", "host: x", "connection: close", *length, *lines, "", ""]
    return "\r\n".join(head).encode() + (b"[]" if length else b"")


def error_of(body: bytes) -> dict[str, str]:
    return json.loads(body)["error"]


@pytest.mark.parametrize(("path", "methods"), PLACES.items(), ids=PLACES)
async def test_every_path_takes_its_methods_in_every_spelling(gateway, path, methods):
    for spelling in SPELLINGS:
        place = spelling.format(path)
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
            status, headers, body = await gateway.exchange(asked(method, place))
            taken = method.replace("HEAD", "GET") in methods
            assert (status == 405) is not taken, (method, place)
            if not taken:
                assert headers["allow"] == methods.replace("GET", "GET, HEAD")
                assert headers["x-breakeven-reason"] == "method_not_allowed"
                assert method == "HEAD" or error_of(body)["message"]
            assert "access-control-allow-origin" not in headers
            if method == "HEAD":
                assert body == b""


@pytest.mark.parametrize("path", [*PLACES, "/v1/nowhere"])
async def test_a_page_of_another_origin_may_ask_for_every_path(serve, path):
    gateway = await serve(POLICY + f'server: {{cors_origins: ["{PAGE}"]}}\n')
    status, headers, body = await gateway.exchange(asked("OPTIONS", path + "/", f"origin: {PAGE}"))
    assert (status, body, headers["access-control-allow-origin"]) == (204, b"", PAGE)
    status, headers, _ = await gateway.exchange(asked("DELETE", path, f"origin: {PAGE}"))
    assert status == (405 if path in PLACES else 404) and headers["access-control-allow-origin"] == PAGE
    assert path not in PLACES or headers["allow"].endswith(", OPTIONS")


@pytest.mark.parametrize(
    ("path", "meant"),
    {
        "/v1/chat/completion": "POST /v1/chat/completions",
        "/chat/completions": "POST /v1/chat/completions",
        "/v1/v1/embeddings": "POST /v1/embeddings",
        "/v1/Embeddings": "POST /v1/embeddings",
        "/models": "GET /v1/models",
        "/v1/model": "GET /v1/models",
    }.items(),
)
def test_what_was_meant_stands_first(path, meant):
    told = unknown_path("POST", path).message
    assert told.startswith(f"Invalid URL (POST {path}): there is no such path here. Did you mean {meant}")


def test_every_path_that_there_is_is_named_once():
    for path in ("/v1/nowhere/at/all", "/v1/chat/completion"):
        words = unknown_path("GET", path).message.replace("?", "").replace(",", "").rstrip(".").split()
        assert [words.count(each) for each in (*BY_PATH, *OWN)] == [1] * len(METHODS)


def test_a_long_path_is_not_repeated():
    assert len(unknown_path("GET", "/" + "x" * 9_000).message) < 2_000
    assert len(wrong_method("/" + "x" * 9_000, "GET", preflights=False).message) < 200


@pytest.mark.parametrize("place", WITHHELD)
def test_what_is_not_passed_on_is_told_why(place: str) -> None:
    assert unknown_path("POST", f"{place}/x").message == WITHHELD[place]
    assert unknown_path("POST", place).message == INSTEAD.get(place, WITHHELD[place])
    assert "Invalid URL" in unknown_path("POST", f"{place}x").message


@pytest.mark.parametrize("path", INSTEAD)
async def test_a_websocket_gets_an_answer_that_says_what_to_use(gateway, path):
    upgrade = ("connection: upgrade", "upgrade: websocket", "sec-websocket-version: 13")
    status, _, body = await gateway.exchange(asked("GET", path, *upgrade))
    assert (status, error_of(body)["message"]) == (404, INSTEAD[path])


async def test_who_looks_for_a_vllm_finds_the_gateway(serve):
    """Without a key, as there."""
    gateway = await serve(POLICY + "keys: [{name: app, sha256: " + "a" * 64 + "}]\n")
    for path in ("/health", "/ping"):
        assert (await gateway.exchange(asked("GET", path)))[::2] == (200, b"")
    assert (await gateway.exchange(asked("POST", "/ping")))[::2] == (200, b"")
    status, _, body = await gateway.exchange(asked("GET", "/version"))
    assert (status, json.loads(body)) == (200, {"version": version("breakeven")})


@pytest.mark.parametrize("surface", dict.fromkeys(BY_FIELD.values()), ids=lambda surface: surface.name)
async def test_an_invocation_goes_where_its_body_belongs(serve, backends, surface):
    served = f"serves: {{chat: {{model: tiny-llama, endpoints: [{surface.name}]}}}}"
    gateway = await serve(POLICY.replace("serves: {chat: tiny-llama}", served))
    await gateway.post(surface.example("chat", "Hello"), path=INVOCATIONS)
    assert backends["gpu"].heads[0].startswith(f"POST /v1{surface.path} HTTP/1.1")


@pytest.mark.parametrize(
    ("body", "header", "status", "code"),
    [
        (b'{"model": "chat"}', {}, 400, "invalid_request"),
        (b"[]", {}, 400, "invalid_request"),
        (b"x", {"content-encoding": "gzip"}, 413, "request_too_large"),
        (b" " * 1_100_000, {}, 413, "request_too_large"),
    ],
)
async def test_an_invocation_that_is_none(gateway, backends, body, header, status, code):
    answered, _, told = await gateway.post(body, header, path=INVOCATIONS)
    assert (answered, error_of(told)["code"]) == (status, code)
    assert not backends["gpu"].received


async def test_an_invocation_needs_a_key_as_any_request(serve):
    gateway = await serve(POLICY + "keys: [{name: app, sha256: " + "a" * 64 + "}]\n")
    assert (await gateway.post(b"{}", path=INVOCATIONS))[0] == 401


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("path", "meant"),
    {
        "/chat/completions": "POST /v1/chat/completions?",
        "/files": "GET, POST /v1/files?",
        "/responses/resp_1": "GET, DELETE /v1/responses/resp_1?",
    }.items(),
)
async def test_a_base_url_without_its_version_is_told_the_path_that_has_it(gateway, method, path, meant):
    status, _, body = await gateway.exchange(asked(method, path))
    assert status == 404 and f"Did you mean {meant}" in error_of(body)["message"]
