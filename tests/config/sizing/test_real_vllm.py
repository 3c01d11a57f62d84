"""A real vLLM's own word for how many tokens fit: SmolLM2-135M-Instruct on vLLM 0.32.0, in its build for CPUs, where a
page holds 128 tokens unless it is told. Its log and `vllm:cache_config_info` said so on 2026-11-29."""

from __future__ import annotations

import pytest

from router.config.sizing.catalogue import load_catalogue
from router.core.sizing.cards import GIB, SMALL
from router.core.sizing.kv_cache import KvRoom, Paging, kv_room

SMOLLM2 = load_catalogue().models["smollm2-135m"].read().shape


@pytest.mark.parametrize(
    ("paging", "space", "log"),
    [
        # VLLM_CPU_KVCACHE_SPACE=1 vllm serve … --max-model-len 2048 --enforce-eager
        # "CPU KV cache size: 46,592 tokens, Maximum concurrency for 2,048 tokens per request: 22.75x", 364 blocks
        (Paging(2048, SMALL.tokens, block=128), 1 * GIB, KvRoom(364, 46_592, 22.75)),
        # VLLM_CPU_KVCACHE_SPACE=2 vllm serve … --max-model-len 1000 --block-size 32 --enforce-eager
        # "CPU KV cache size: 91,000 tokens, Maximum concurrency for 1,000 tokens per request: 91.00x", 2912 blocks
        (Paging(1000, SMALL.tokens, block=32), 2 * GIB, KvRoom(2912, 91_000, 91.0)),
    ],
)
def test_it_says_exactly_the_same(paging: Paging, space: int, log: KvRoom) -> None:
    assert kv_room(SMOLLM2, paging, space) == log
