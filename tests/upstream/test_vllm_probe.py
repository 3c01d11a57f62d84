from __future__ import annotations

import json
from typing import Any

import pytest

from router.core.resilience.replica_load import ReplicaLoad
from router.upstream.vllm_probe import ProbeFailed, context_of, parse_load, parse_models

METRICS = b"""# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="m"} 3.0
vllm:num_requests_running{engine="1",model_name="m"} 2.0
vllm:num_requests_waiting{engine="0",model_name="m"} 7.0
vllm:num_requests_waiting_by_reason{engine="0",model_name="m",reason="capacity"} 7.0
vllm:kv_cache_usage_perc{engine="0",model_name="m"} 0.25
vllm:kv_cache_usage_perc{engine="1",model_name="m"} 0.97
"""


def test_engines_add_up_and_the_fullest_cache_counts():
    assert parse_load(METRICS, inflight=4) == ReplicaLoad(running=5, waiting=7, kv_cache=0.97, inflight=4)


def test_metrics_without_figures_are_an_idle_replica():
    assert parse_load(b"vllm:num_requests_running NaNsense\n", inflight=0) == ReplicaLoad()


def listed(**lengths: int | None) -> dict[str, Any]:
    entries = [{"id": name, "max_model_len": length} for name, length in lengths.items()]
    return parse_models(json.dumps({"data": entries}).encode())


def test_the_shortest_context_of_what_is_served_counts():
    assert context_of(listed(a=4096, b=2048, c=10), frozenset({"a", "b"})) == 2048
    assert context_of(listed(a=None), frozenset({"a"})) is None


def test_a_pattern_serves_all_that_is_listed():
    assert context_of(listed(a=4096, b=2048), frozenset({"*"})) == 2048
    assert context_of(listed(a=4096, b=2048), frozenset({"*", "a"})) == 2048
    with pytest.raises(ProbeFailed, match="it does not serve c"):
        context_of(listed(a=1), frozenset({"*", "c"}))


def test_a_model_that_is_not_served_is_named():
    with pytest.raises(ProbeFailed, match="it does not serve b"):
        context_of(listed(a=1), frozenset({"b"}))


@pytest.mark.parametrize("answer", [b"", b"[]", b"{}", b'{"data": [1]}', b"<html>"])
def test_no_list_of_models_is_a_failure(answer):
    with pytest.raises(ProbeFailed):
        parse_models(answer)
