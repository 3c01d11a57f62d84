"""Each family's parameters, against those that its models' cards and files on huggingface.co tell."""

from __future__ import annotations

import json
from typing import Any

import pytest

from router.config.sizing.catalogue import load_catalogue
from router.config.sizing.families import FAMILIES
from router.config.sizing.model_config import model_config_of

PUBLISHED: list[tuple[int, dict[str, Any]]] = [
    (34_980_831_232, {"model_type": "cohere", "hidden_size": 8192, "intermediate_size": 22528, "num_hidden_layers": 40,
                      "num_attention_heads": 64, "num_key_value_heads": 64, "vocab_size": 256000}),  # Command R
    (8_028_033_024, {"model_type": "cohere2", "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32,
                     "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 256000,
                     "sliding_window": 4096}),  # Command R7B
    (6_857_302_016, {"model_type": "gpt_neox", "hidden_size": 4096, "intermediate_size": 16384,
                     "num_hidden_layers": 32, "num_attention_heads": 32, "vocab_size": 50432}),  # Pythia 6.9B
    (4_190_000_000, {"model_type": "nemotron", "hidden_size": 3072, "intermediate_size": 9216, "num_hidden_layers": 32,
                     "num_attention_heads": 24, "num_key_value_heads": 8, "head_dim": 128,
                     "vocab_size": 256000}),  # Minitron 4B
    (7_298_617_344, {"model_type": "olmo2", "hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32,
                     "num_attention_heads": 32, "vocab_size": 100352}),  # OLMo 2 7B
    (41_873_153_344, {"model_type": "phimoe", "hidden_size": 4096, "intermediate_size": 6400, "num_hidden_layers": 32,
                      "num_attention_heads": 32, "num_key_value_heads": 8, "num_local_experts": 16,
                      "num_experts_per_tok": 2, "vocab_size": 32064, "attention_bias": True}),  # Phi-3.5-MoE
    (3_075_098_624, {"model_type": "smollm3", "hidden_size": 2048, "intermediate_size": 11008, "num_hidden_layers": 36,
                     "num_attention_heads": 16, "num_key_value_heads": 4, "vocab_size": 128256}),  # SmolLM3 3B
    (15_957_889_024, {"model_type": "starcoder2", "hidden_size": 6144, "intermediate_size": 24576,
                      "num_hidden_layers": 40, "num_attention_heads": 48, "num_key_value_heads": 4,
                      "vocab_size": 49152, "tie_word_embeddings": False}),  # StarCoder2 15B
    (3_030_371_328, {"model_type": "starcoder2", "hidden_size": 3072, "intermediate_size": 12288,
                     "num_hidden_layers": 30, "num_attention_heads": 24, "num_key_value_heads": 2,
                     "vocab_size": 49152}),  # StarCoder2 3B
]  # fmt: skip


@pytest.mark.parametrize(("published", "config"), PUBLISHED, ids=[each["model_type"] for _, each in PUBLISHED])
def test_parameters_are_those_that_were_published(published: int, config: dict[str, Any]) -> None:
    found = model_config_of(json.dumps(config).encode(), "config.json")
    assert found.shape.parameters.total == pytest.approx(published, rel=0.002)
    assert found.known_family


def test_the_catalogue_has_models_of_known_families_alone() -> None:
    assert all(each.read().known_family for each in load_catalogue().models.values())
    assert {"llama", "qwen2", "qwen3", "gpt_oss", "gemma3", "deepseek_v3"} <= FAMILIES.keys()
