"""A plan becomes targets: addresses, credentials and the zone's proxy."""

from __future__ import annotations

import ssl

from router.app.assemble import backend_specs
from router.config.load import load

POLICY = """
version: 1
zones: {local: {owned: true}, cloud: {proxy: "http://proxy:3128"}}
backends:
  gpu: {zone: local, kind: vllm, urls: ["http://127.0.0.1:1/v1", "http://127.0.0.1:2/v1"], serves: {chat: m}}
  api:
    zone: cloud
    kind: openai
    url: https://api.openai.com/v1
    api_key: env:OPENAI_API_KEY
    serves: {chat: {model: m, price: {input: 1, output: 2}}}
  adapted: {zone: cloud, kind: litellm, serves: {chat: {model: anthropic/m, price: {input: 1, output: 2}}}}
models: {chat: {backends: [gpu, api, adapted]}}
"""


def test_every_backend_has_its_own_address_and_its_zones_proxy(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "the-key")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    (tmp_path / "policy.yaml").write_text(POLICY)
    tls = ssl.create_default_context()
    gpu, api, adapted = backend_specs(load(tmp_path / "policy.yaml"), "/run/adapter.sock", tls)
    assert [(each.host, each.port, each.proxy, each.credential) for each in gpu.targets] == [
        ("127.0.0.1", 1, "", ""),
        ("127.0.0.1", 2, "", ""),
    ]
    (target,) = api.targets
    assert (target.host, target.port, target.tls, target.proxy) == ("api.openai.com", 443, tls, "http://proxy:3128")
    assert target.credential == "Bearer the-key" and "the-key" not in repr(target)
    (target,) = adapted.targets
    assert (target.unix_path, target.proxy, target.credential) == ("/run/adapter.sock", "", "")
    assert not gpu.adapted and not adapted.adapted
    (target,) = api.adapted
    assert (target.unix_path, target.prefix, target.credential) == ("/run/adapter.sock", "/api/replicas/0/v1", "")
    assert target.fingerprint == api.backend.fingerprint()
