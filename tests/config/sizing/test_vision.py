"""What sees pictures, against the parameters that the models' cards and files on huggingface.co tell of the whole."""

from __future__ import annotations

import json
from typing import Any

import pytest

from router.config.sizing.model_config import model_config_of

QWEN2: dict[str, Any] = {
    "hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28, "num_attention_heads": 28,
    "num_key_value_heads": 4, "vocab_size": 152064, "tie_word_embeddings": False,
}  # fmt: skip
QWEN3 = {
    "model_type": "qwen3_vl_text", "hidden_size": 4096, "intermediate_size": 12288, "num_hidden_layers": 36,
    "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128, "vocab_size": 151936,
}  # fmt: skip
MISTRAL = {
    "model_type": "mistral", "hidden_size": 5120, "intermediate_size": 14336, "num_hidden_layers": 40,
    "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128, "vocab_size": 131072,
}  # fmt: skip
PUBLISHED: list[tuple[int, dict[str, Any]]] = [
    (8_291_375_616, {**QWEN2, "model_type": "qwen2_vl",
                     "vision_config": {"depth": 32, "embed_dim": 1280, "hidden_size": 3584, "mlp_ratio": 4}}),
    (8_292_166_656, {**QWEN2, "model_type": "qwen2_5_vl",
                     "vision_config": {"depth": 32, "hidden_size": 1280, "intermediate_size": 3420,
                                       "out_hidden_size": 3584}}),
    (8_767_123_696, {"model_type": "qwen3_vl", "text_config": QWEN3, "tie_word_embeddings": False,
                     "vision_config": {"depth": 27, "hidden_size": 1152, "intermediate_size": 4304,
                                       "num_position_embeddings": 2304, "deepstack_visual_indexes": [8, 16, 24]}}),
    (12_683_000_000, {"model_type": "llava", "text_config": MISTRAL,
                      "vision_config": {"model_type": "pixtral", "hidden_size": 1024, "intermediate_size": 4096,
                                        "num_hidden_layers": 24}}),
]  # fmt: skip


@pytest.mark.parametrize(("published", "config"), PUBLISHED, ids=[each["model_type"] for _, each in PUBLISHED])
def test_parameters_are_those_that_were_published(published: int, config: dict[str, Any]) -> None:
    found = model_config_of(json.dumps(config).encode(), "config.json")
    assert found.shape.parameters.total == pytest.approx(published, rel=0.001)
    assert found.shape.sees
    assert found.known_family


def test_a_list_that_is_none_is_told() -> None:
    config = {"model_type": "qwen3_vl", "text_config": QWEN3, "vision_config": {"deepstack_visual_indexes": 3}}
    with pytest.raises(Exception, match="deepstack_visual_indexes: 3 is no list"):
        model_config_of(json.dumps(config).encode(), "config.json")
