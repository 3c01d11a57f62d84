from __future__ import annotations

import ssl

import pytest

from router.upstream.target import Target, target_of_socket, target_of_url, told

TLS = ssl.create_default_context()

URLS = {
    "http://127.0.0.1:8000/v1": ("127.0.0.1", 8000, "/v1", "127.0.0.1:8000", False),
    "http://gpu/v1/": ("gpu", 80, "/v1", "gpu", False),
    "https://api.openai.com/v1": ("api.openai.com", 443, "/v1", "api.openai.com", True),
    "https://api.example:8443/openai/v1": ("api.example", 8443, "/openai/v1", "api.example:8443", True),
    "http://[::1]:8000/v1": ("::1", 8000, "/v1", "[::1]:8000", False),
}


@pytest.mark.parametrize("url", URLS)
def test_an_address_is_read_from_its_url(url):
    host, port, prefix, authority, secure = URLS[url]
    target = target_of_url("b", "z", url, None, TLS)
    assert (target.host, target.port, target.prefix, target.authority) == (host, port, prefix, authority)
    assert (target.tls is TLS) is secure


def test_the_head_of_a_request_says_where_it_goes_and_as_whom():
    target = target_of_url("b", "z", "http://gpu:8000/v1", "sk-secret", TLS)
    head = target.head("/chat/completions").decode()
    assert head.startswith("POST /v1/chat/completions HTTP/1.1\r\nhost: gpu:8000\r\n")
    assert "authorization: Bearer sk-secret\r\n" in head and head.endswith("\r\n") and "\r\n\r\n" not in head


def test_a_credential_may_have_a_header_of_its_own():
    url = "https://api.anthropic.com/v1"
    target = target_of_url("b", "z", url, "sk-secret", TLS, key_header="x-api-key", key_scheme="")
    head = target.head("/messages").decode()
    assert "x-api-key: sk-secret\r\n" in head and "authorization" not in head


def test_what_is_beside_a_version_is_behind_the_url_without_it():
    target = target_of_url("b", "z", "http://gpu:8000/llm/v1", None, TLS)
    assert target.head("/tokenize", at_root=True).startswith(b"POST /llm/tokenize HTTP/1.1\r\n")


def test_a_probe_asks_the_servers_root():
    target = target_of_url("b", "z", "http://gpu:8000/v1", None, TLS)
    assert target.get("/health") == b"GET /health HTTP/1.1\r\nhost: gpu:8000\r\naccept-encoding: identity\r\n\r\n"


def test_the_adapter_tells_backends_apart_by_their_path_and_fingerprint():
    target = target_of_socket("a b/c", "cloud", "/run/adapter.sock", "f00")
    head = target.head("/chat/completions").decode()
    assert head.startswith("POST /a%20b%2Fc/v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n")
    assert "x-adapter-fingerprint: f00\r\n" in head
    assert target.through_adapter
    assert not target_of_url("b", "z", "http://gpu:8000/v1", None, TLS).through_adapter


def test_a_credential_is_never_shown():
    target = Target(backend="b", zone="z", host="h", port=1, prefix="", credential="Bearer sk-secret")
    assert "sk-secret" not in f"{target!r} {target} {[target]}"


def test_what_one_address_keeps_another_has_not():
    identities = [target_of_url("b", "z", url, None, TLS).identity for url in URLS]
    assert len(set(identities)) == len(URLS)
    assert target_of_url("other", "elsewhere", "http://gpu/v1/", "sk-other", TLS).identity in identities


def test_a_body_of_another_type_is_said_to_be_one():
    head = target_of_url("b", "z", "http://gpu:8000/v1", None, TLS).head("/audio/speech")
    form = told(head, 'multipart/form-data; boundary="x"', any_answer=False)
    assert b'\r\ncontent-type: multipart/form-data; boundary="x"\r\naccept: application/json' in form
    assert b"\r\ncontent-type: application/json\r\naccept: */*\r\n" in told(head, "application/json", any_answer=True)
