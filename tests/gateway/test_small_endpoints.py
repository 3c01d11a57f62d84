"""Endpoints with short answers, through a whole gateway: where they go, what comes back, what it counts as."""

from __future__ import annotations

import pytest
from support.gateway import POLICY
from support.scripted import answer

from router.surfaces.registry import SURFACES

USAGE = b'"usage":{"prompt_tokens":9,"total_tokens":9}'
ANSWERS = {
    "embeddings": ("/v1/embeddings", b'{"data":[{"embedding":[0.1]}],%b}' % USAGE, 9),
    "moderations": ("/v1/moderations", b'{"id":"m","results":[{"flagged":false}]}', None),
    "rerank": ("/v1/rerank", b'{"id":"r","results":[{"index":0,"relevance_score":0.5}],%b}' % USAGE, 9),
    "score": ("/v1/score", b'{"data":[{"index":0,"score":0.5}],%b}' % USAGE, 9),
    "pooling": ("/pooling", b'{"data":[{"index":0,"data":[0.1]}],%b}' % USAGE, 9),
    "classify": ("/classify", b'{"data":[{"index":0,"probs":[1.0]}],%b}' % USAGE, 9),
    "tokenize": ("/tokenize", b'{"count":1,"max_model_len":9,"tokens":[1]}', 0),
    "detokenize": ("/detokenize", b'{"prompt":"Hello"}', 0),
}
"""Where a backend has it, what it answers, and the tokens in that; None where it does not tell."""
SERVING = POLICY.replace("chat: tiny-llama", f"chat: {{model: tiny-llama, endpoints: [{', '.join(ANSWERS)}]}}").replace(
    "chat: gpt-4o-mini",
    f"chat: {{model: gpt-4o-mini, endpoints: [{', '.join(ANSWERS)}], price: {{input: 0.15, output: 0}}}}",
)
EVERY = pytest.mark.parametrize("name", ANSWERS)
RESTRICTED = b"4111 1111 1111 1111"


@EVERY
async def test_each_goes_where_backends_have_it(name, serve, backends) -> None:
    gateway, surface = await serve(SERVING), SURFACES[name]
    path, said, tokens = ANSWERS[name]
    backends["gpu"].default = answer(body=said)
    for asked in surface.paths:
        status, _, body = await gateway.post(surface.example("chat", "Hello"), path=asked)
        assert (status, body) == (200, said)
        assert backends["gpu"].requests[-1]["path"] == path
        assert backends["gpu"].received.endswith(surface.example("tiny-llama", "Hello"))
    (row,) = gateway.rows()
    assert row.requests == len(surface.paths)
    expected = row.input if tokens is None else tokens * row.requests
    assert (row.input, row.output, row.estimated) == (expected, 0, row.requests if tokens is None else 0)


@EVERY
async def test_what_is_no_answer_is_asked_for_elsewhere(name, serve, backends) -> None:
    gateway, surface = await serve(SERVING), SURFACES[name]
    backends["gpu"].default = answer(body=b'{"choices":[]}')
    backends["api"].default = answer(body=ANSWERS[name][1])
    status, headers, body = await gateway.post(surface.example("chat", "Hello"), path=surface.paths[0])
    if name == "detokenize":  # what cannot be read stays at home
        assert status == 503 and not backends["api"].requests
    else:
        assert (status, body, headers["x-breakeven-backend"]) == (200, ANSWERS[name][1], "api")


@EVERY
async def test_restricted_text_stays_at_home(name, serve, backends) -> None:
    gateway, surface = await serve(SERVING), SURFACES[name]
    backends["gpu"].default = answer(503, b"{}")
    asked = surface.example("chat", RESTRICTED.decode())
    status, headers, _ = await gateway.post(asked, path=surface.paths[0])
    assert (status, headers.get("x-breakeven-sensitivity", "restricted")) == (503, "restricted")
    assert backends["gpu"].requests and not backends["api"].received


BY_SEARCH = SERVING.replace("price: {input: 0.15, output: 0}", "price: {searches: 2}")
SEARCHED = b'{"id":"r","results":[{"index":0,"relevance_score":0.5}],"meta":{"billed_units":{"search_units":%d}}}'


async def test_a_reranker_is_paid_by_the_searches_that_it_counted_as_far_as_there_can_have_been_so_many(
    serve, backends
) -> None:
    """Its tokens, of which it says nothing, are estimated; an own reranker saves what its searches would have cost."""
    gateway, surface = await serve(BY_SEARCH), SURFACES["rerank"]
    asked = b'{"model":"chat","query":"Hello","documents":[%b]}' % b",".join([b'"Hi"'] * 101)
    backends["gpu"].default = answer(body=ANSWERS["rerank"][1])
    assert (await gateway.post(asked, path="/v1/rerank"))[0] == 200
    backends["gpu"].default = answer(503, b"{}")
    for told in (2, 1_000_000):
        backends["api"].default = answer(body=SEARCHED % told)
        assert (await gateway.post(asked, path="/v1/rerank"))[0] == 200
    own, bought = sorted(gateway.rows(), key=lambda row: row.cell.backend, reverse=True)
    searches, most = 2_000_000, surface.read(asked).units.searches
    assert (own.input, own.cost, own.counterfactual) == (9, 0, 2 * searches)
    assert (bought.cost, bought.estimated) == (2 * searches + most * searches, 2) and bought.input > 2 * 101
