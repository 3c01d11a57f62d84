from __future__ import annotations

from router.upstream.proxy_environment import steering


def test_proxies_and_key_logs_are_not_inherited() -> None:
    names = ["HTTP_PROXY", "https_proxy", "ALL_PROXY", "no_proxy", "GRPC_PROXY", "SSLKEYLOGFILE", "HOSTALIASES"]
    assert steering([*names, "PATH", "PROXY_USERS", "SSL_CERT_FILE", "OPENAI_API_KEY"]) == tuple(sorted(names))
