"""What a `config.json` leaves to those who know the model's kind: which biases and norms it has, and what is usual."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class Family(Struct, frozen=True):
    """As its code in Hugging Face's transformers has it."""

    matrices: int = 3
    """Of a feed-forward layer: gate, up and down; 2 without a gate."""
    qkv_bias: bool = False
    output_bias: bool = False
    """Of attention's last matrix, and of feed-forward layers."""
    head_norms: bool = False
    """Of queries and keys, head by head."""
    whole_norms: bool = False
    """Of queries and keys, over all heads at once."""
    layer_norms: int = 2
    norm_biases: bool = False
    vocabulary: int | None = None
    """Where the file does not tell."""
    tied: bool = False
    pattern: int | None = None
    """Each so-manieth layer looks back at everything, the others at a window, where the file does not tell."""
    expert_biases: bool = False
    shared_gate: bool = False
    """Shared experts have a gate of their own."""


LIKE_LLAMA = Family()
"""Of what nobody here knows: most are made like this, and some far from it."""
_QWEN2 = Family(qkv_bias=True)
_QWEN3 = Family(head_norms=True)
_GEMMA3 = Family(layer_norms=4, head_norms=True, vocabulary=262_208, tied=True, pattern=6)
FAMILIES: Mapping[str, Family] = {
    "llama": LIKE_LLAMA,
    "mistral": LIKE_LLAMA,
    "mistral3": LIKE_LLAMA,
    "mixtral": LIKE_LLAMA,
    "granite": LIKE_LLAMA,
    "phi3": LIKE_LLAMA,
    "deepseek_v2": LIKE_LLAMA,
    "deepseek_v3": LIKE_LLAMA,
    "kimi_k2": LIKE_LLAMA,
    "phi": Family(matrices=2, qkv_bias=True, output_bias=True, layer_norms=1),
    "qwen2": _QWEN2,
    "qwen2_vl": _QWEN2,
    "qwen2_5_vl": _QWEN2,
    "qwen2_moe": Family(qkv_bias=True, shared_gate=True),
    "qwen3": _QWEN3,
    "qwen3_moe": _QWEN3,
    "qwen3_vl_text": _QWEN3,
    "qwen3_vl_moe_text": _QWEN3,
    "gemma": Family(tied=True),
    "gemma2": Family(layer_norms=4, tied=True, pattern=2),
    "gemma3": _GEMMA3,
    "gemma3_text": _GEMMA3,
    "cohere": Family(layer_norms=1, tied=True),
    "cohere2": Family(layer_norms=1, tied=True, pattern=4),
    "gpt_neox": Family(matrices=2, qkv_bias=True, output_bias=True, norm_biases=True),
    "nemotron": Family(matrices=2, norm_biases=True),
    "olmo2": Family(whole_norms=True),
    "phimoe": Family(output_bias=True, norm_biases=True),
    "smollm3": Family(tied=True),
    "starcoder2": Family(matrices=2, qkv_bias=True, output_bias=True, norm_biases=True, tied=True),
    "gpt_oss": Family(qkv_bias=True, output_bias=True, expert_biases=True, pattern=2),
}
