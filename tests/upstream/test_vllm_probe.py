from __future__ import annotations

import json

import pytest

from router.upstream.replica_load import ReplicaLoad
from router.upstream.vllm_probe import ProbeFailed, parse_context, parse_load

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


def models(**lengths: int | None) -> bytes:
    return json.dumps({"data": [{"id": name, "max_model_len": length} for name, length in lengths.items()]}).encode()


def test_the_shortest_context_of_what_is_served_counts():
    assert parse_context(models(a=4096, b=2048, c=10), frozenset({"a", "b"})) == 2048
    assert parse_context(models(a=None), frozenset({"a"})) is None


def test_a_model_that_is_not_served_is_named():
    with pytest.raises(ProbeFailed, match="it does not serve b"):
        parse_context(models(a=1), frozenset({"b"}))


@pytest.mark.parametrize("answer", [b"", b"[]", b"{}", b'{"data": [1]}', b"<html>"])
def test_no_list_of_models_is_a_failure(answer):
    with pytest.raises(ProbeFailed):
        parse_context(answer, frozenset({"a"}))
