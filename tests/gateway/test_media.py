"""What own servers are told to fetch, end to end."""

from __future__ import annotations

import json

import pytest
from support.gateway import POLICY

CATS = "https://cats.example/a.png"
INNER = "http://10.0.0.5:9000/a.png"
READABLE = POLICY.replace("  default: public\n", "  default: public\n  unreadable: public\n")


def asking(*urls: str) -> dict:
    parts = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    return {
        "model": "chat",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "What is it?"}, *parts]}],
    }


@pytest.mark.parametrize("url", [CATS, "http://cats.example/", INNER, "http://169.254.169.254/latest/meta-data/"])
async def test_nothing_is_fetched_for_a_request_that_stays_at_home(serve, backends, url):
    gateway = await serve()  # an image is unreadable, and so restricted
    status, _, body = await gateway.post(asking(url))
    assert (status, json.loads(body)["error"]["code"]) == (403, "media_denied")
    assert not any(backend.received for backend in backends.values())
    assert url not in body.decode() + repr(gateway.ledger.records)


async def test_content_itself_stays_at_home_and_is_answered(serve, backends):
    gateway = await serve()
    _, headers, _ = await gateway.post(asking("data:image/png;base64,iVBORw0KGgo="))
    assert (headers["x-breakeven-backend"], headers["x-breakeven-sensitivity"]) == ("gpu", "restricted")


async def test_other_requests_name_public_hosts_and_no_inner_ones(serve, backends):
    gateway = await serve(READABLE)
    assert (await gateway.post(asking(CATS)))[1]["x-breakeven-backend"] == "gpu"
    for url in ("https://127.0.0.1/a", "https://0x7f.1/a", "https://localhost/a", "file:///etc/passwd", INNER):
        status, _, body = await gateway.post(asking(CATS, url))
        assert (status, json.loads(body)["error"]["code"]) == (403, "media_denied")
    assert len(backends["gpu"].requests) == 1


async def test_the_policy_names_hosts(serve, backends):
    gateway = await serve(POLICY + "media: {own_hosts: ['10.0.0.5:9000']}\n")
    _, headers, _ = await gateway.post(asking(INNER))
    assert (headers["x-breakeven-backend"], headers["x-breakeven-sensitivity"]) == ("gpu", "restricted")
    gateway = await serve(READABLE + "media: {allow_hosts: [dogs.example]}\n")
    assert (await gateway.post(asking(CATS)))[0] == 403
    assert (await gateway.post(asking("https://dogs.example/a.png")))[0] == 200
