from __future__ import annotations

import json
import ssl

import pytest
from support.scripted import answer

from router.upstream.errors import UpstreamError
from router.upstream.model_listing import listed_at
from router.upstream.target import target_of_url


@pytest.fixture
def target(backend):
    return target_of_url("api", "cloud", backend.url, "sk-1", ssl.create_default_context())


async def test_it_is_asked_beside_its_endpoints_with_its_credential(backend, target):
    backend.default = answer(
        200, json.dumps({"object": "list", "data": [{"id": "a"}, {"id": "b", "more": 1}]}).encode()
    )
    assert await listed_at(target, 5.0) == {"a", "b"}
    assert backend.requests[0]["path"] == "/v1/models?limit=1000"
    assert "authorization: Bearer sk-1" in backend.heads[0]


@pytest.mark.parametrize(
    "reply",
    [
        answer(401, b"{}"),
        answer(200, b"<html>"),
        answer(200, b'{"data": [1]}'),
        answer(200, b'{"data": [{"id": "a"}], "has_more": true}'),
    ],
    ids=["refused", "a page", "no list", "half a list"],
)
async def test_what_is_no_whole_list_is_none(backend, target, reply):
    backend.default = reply
    with pytest.raises(UpstreamError):
        await listed_at(target, 5.0)
