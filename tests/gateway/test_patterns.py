"""Models that patterns take, through a whole gateway."""

from __future__ import annotations

import json

import pytest
from support.scripted import answer, completion

POLICY = """
version: 1
zones: {local: {owned: true}, cloud: {}}
backends:
  gpu: {zone: local, kind: openai, url: %(gpu)s, serves: {"*": "*"}, cost: {usd_per_hour: 1.0}}
  api: {zone: cloud, kind: openai, url: %(api)s, serves: {"*": "*"}}
models: {"*": {backends: [gpu, api]}, "gpt-*": {backends: [api]}}
cost: {strategy: local_first}
retry: {attempts: 3, deadline: 5s, backoff: 1ms}
"""
NO_SUCH_MODEL = (
    b'{"error":{"message":"The model does not exist","type":"invalid_request_error","code":"model_not_found"}}'
)


def ask(model: str) -> dict:
    return {"model": model, "messages": [{"role": "user", "content": "hello"}], "max_tokens": 10}


@pytest.fixture
async def gateway(serve):
    return await serve(POLICY)


async def test_the_backend_is_asked_for_what_the_client_named(gateway, backends):
    backends["api"].default = answer(200, completion())
    assert (await gateway.post(ask("gpt-4o-2024-08-06")))[0] == 200
    assert [each["model"] for each in backends["api"].requests] == ["gpt-4o-2024-08-06"]
    assert [row.cell.model for row in gateway.rows()] == ["gpt-4o"]


async def test_an_unknown_one_is_tried_everywhere_and_gets_the_last_404_unchanged(gateway, backends):
    for each in backends.values():
        each.default = answer(404, NO_SUCH_MODEL)
    for _ in range(3):
        status, _, body = await gateway.post(ask("nonsense"))
        assert (status, json.loads(body)["error"]["code"]) == (404, "model_not_found")
    assert [len(each.requests) for each in backends.values()] == [3, 3], "once each, and nobody rests for it"
    assert {row.cell.model for row in gateway.rows()} == {"*"}


async def test_another_name_is_not_kept_from_a_backend_that_did_not_know_one(gateway, backends):
    backends["gpu"].default = answer(404, NO_SUCH_MODEL)
    await gateway.post(ask("nonsense"))
    backends["gpu"].default = answer(200, completion())
    assert (await gateway.post(ask("llama")))[1]["x-breakeven-backend"] == "gpu"


async def test_the_price_of_a_model_that_nobody_knows_is_an_estimate_and_no_bargain(gateway, backends):
    backends["api"].default = answer(200, completion(usage={"prompt_tokens": 20, "completion_tokens": 10}))
    for model in ("gpt-4o", "gpt-99"):
        assert (await gateway.post(ask(model)))[0] == 200
    rows = {row.cell.model: row for row in gateway.rows()}
    assert (rows["gpt-4o"].estimated, rows["gpt-*"].estimated) == (0, 1)
    assert rows["gpt-*"].cost >= rows["gpt-4o"].cost > 0
