from __future__ import annotations

import gzip
import json
from collections.abc import Mapping

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


@pytest.mark.parametrize("number", ["1e999", "-inf", "nan", "-3", "1e30", "9" * 1000])
def test_what_is_no_figure_of_a_replica_is_passed_over(number):
    assert parse_load(f"vllm:num_requests_running {number}\nvllm:num_requests_waiting 2\n".encode(), 0).waiting == 2
    assert parse_load(f"vllm:num_requests_running {number}\n".encode(), 0) == ReplicaLoad()


def test_labels_end_with_their_line():
    """Else each of many that do not end would be sought through all that follows."""
    assert parse_load(b'vllm:num_requests_running{\nx="}" 5} 5\n', 0) == ReplicaLoad()
    assert parse_load(b"vllm:num_requests_running{x} 1\n" * 100_000, 0).running == 4096


def listed(**lengths: int | None) -> Mapping[str, int | None]:
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


def test_what_else_it_serves_is_told_in_a_few_words():
    many = listed(**{f"m{n}": 1 for n in range(5000)})
    with pytest.raises(ProbeFailed, match="it does not serve b") as failed:
        context_of(many, frozenset({"b"}))
    assert len(str(failed.value)) < 500 and "more" in str(failed.value)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"[]",
        b"{}",
        b'{"data": [1]}',
        b'{"data":[{}]}',
        b"<html>",
        b'{"data":' + b"[" * 100_000,
        pytest.param(gzip.compress(b"{}"), id="gzip"),
    ],
)
def test_no_list_of_models_is_a_failure(answer):
    with pytest.raises(ProbeFailed):
        parse_models(answer)
