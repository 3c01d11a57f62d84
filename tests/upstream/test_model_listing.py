from __future__ import annotations

import json
import ssl
import tracemalloc

import pytest
from support.scripted import answer

from router.upstream.errors import UpstreamError
from router.upstream.model_listing import NoListing, listed_at, models_in
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


def test_lengths_are_told_where_they_are_numbers():
    entries = [
        {"id": "a", "max_model_len": 4096},
        {"id": "b", "max_model_len": None},
        {"id": "c", "max_model_len": [1]},
    ]
    assert models_in(json.dumps({"data": [*entries, {"id": "d"}]}).encode()) == {
        "a": 4096,
        "b": None,
        "c": None,
        "d": None,
    }


FULL = {
    "models": b'{"data":[' + b'{"id":"a"},' * 500_000 + b'{"id":"a"}]}',
    "names": json.dumps({"data": [{"id": f"m{n}"} for n in range(10_001)]}).encode(),
    "a name": json.dumps({"data": [{"id": "x" * 1000}]}).encode(),
    "lists": b'{"data":[{"id":"a","more":[' + b"[]," * 1_000_000 + b"1]}]}",
    "half of a list": b'{"data":[' + b'{"id":"a"},' * 500_000,
}


@pytest.mark.parametrize("body", FULL.values(), ids=FULL.keys())
def test_of_a_list_that_is_full_nothing_is_made(body):
    tracemalloc.start()
    with pytest.raises(NoListing):
        models_in(body)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 3_000_000


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
