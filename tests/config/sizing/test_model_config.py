from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from router.config.problems import PolicyError
from router.config.sizing.model_config import model_config_of, read_model_config
from router.core.sizing.quantization import BF16, MXFP4
from router.core.sizing.shape import KvLayers

LLAMA: dict[str, Any] = {
    "model_type": "llama",
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 128256,
    "max_position_embeddings": 131072,
    "tie_word_embeddings": False,
}


def read(**change: Any) -> Any:
    return model_config_of(json.dumps({**LLAMA, **change}, indent=2).encode(), "config.json")


def problems(content: bytes | dict[str, Any]) -> list[str]:
    raw = content if isinstance(content, bytes) else json.dumps(content, indent=2).encode()
    with pytest.raises(PolicyError) as caught:
        model_config_of(raw, "config.json")
    return [str(each) for each in caught.value.problems]


def test_grouped_queries() -> None:
    config = read()
    assert config.shape.parameters.total == 8_030_261_248
    assert config.shape.kv == (KvLayers(32, 2 * 8 * 128, 8),)
    assert (config.shape.context, config.quantization, config.known_family) == (131072, BF16, True)
    assert config.shape.intermediate == (14336,)


def test_a_model_that_nobody_here_knows_is_taken_for_a_llama_and_that_is_told() -> None:
    config = read(model_type="new_model")
    assert config.doubts == ('model_type "new_model" is not known here, and is counted as if it were made like Llama',)
    assert config.shape == read().shape
    assert read(model_type=None).doubts[0].startswith("a model without a model_type is not known here")


def test_parts_that_nobody_here_knows_are_told() -> None:
    seeing = {"model_type": "new_vl", "text_config": LLAMA, "vision_config": {"hidden_size": 64}, "audio_config": {}}
    config = model_config_of(json.dumps(seeing).encode(), "c")
    assert config.doubts == (
        'what sees pictures ("new_vl") is not known here, and is counted as if it were CLIP',
        "audio_config is not counted",
    )


def test_without_groups_every_head_has_keys_of_its_own() -> None:
    config = model_config_of(json.dumps({k: v for k, v in LLAMA.items() if k != "num_key_value_heads"}).encode(), "c")
    assert config.shape.kv == (KvLayers(32, 2 * 32 * 128, 32),)


def test_embeddings_that_make_scores_too() -> None:
    assert read(tie_word_embeddings=True).shape.parameters.head == 0


def test_latent_attention() -> None:
    latent = read(
        model_type="deepseek_v3", kv_lora_rank=512, q_lora_rank=1536, qk_rope_head_dim=64, qk_nope_head_dim=128,
        v_head_dim=128,
    )  # fmt: skip
    assert latent.shape.kv == (KvLayers(32, 576, 1),)
    assert latent.shape.kv_heads == 32


@pytest.mark.parametrize(
    ("change", "windows"),
    [
        ({"sliding_window": 4096}, {4096: 32}),
        ({"sliding_window": None}, {None: 32}),
        ({"sliding_window": 4096, "use_sliding_window": False}, {None: 32}),
        ({"sliding_window": 4096, "max_window_layers": 30}, {None: 30, 4096: 2}),
        ({"sliding_window": 128, "sliding_window_pattern": 4}, {None: 8, 128: 24}),
        ({"sliding_window": 128, "layer_types": ["full_attention", "sliding_attention"] * 16}, {None: 16, 128: 16}),
        ({"sliding_window": 128, "model_type": "gemma2"}, {None: 16, 128: 16}),
    ],
)
def test_windows(change: dict[str, Any], windows: dict[int | None, int]) -> None:
    assert {each.window: each.layers for each in read(**change).shape.kv} == windows


def test_experts() -> None:
    mixed = read(model_type="mixtral", num_local_experts=8, num_experts_per_tok=2)
    assert mixed.shape.parameters.experts == 32 * 8 * 3 * 4096 * 14336
    assert (mixed.shape.expert_share, mixed.shape.expert_width) == (0.25, 14336)


def test_shared_experts_and_layers_without_any() -> None:
    shape = read(
        model_type="deepseek_v3", n_routed_experts=16, n_shared_experts=2, num_experts_per_tok=4,
        moe_intermediate_size=1024, first_k_dense_replace=2,
    ).shape  # fmt: skip
    assert shape.parameters.experts == 30 * 16 * 3 * 4096 * 1024
    attention = read().shape.parameters.linear - 32 * 3 * 4096 * 14336
    assert shape.parameters.linear == attention + 3 * 4096 * (2 * 14336 + 30 * 2 * 1024)
    assert shape.intermediate == (14336, 2048, 1024)
    qwen = read(model_type="qwen2_moe", num_experts=4, num_experts_per_tok=2, moe_intermediate_size=64,
                shared_expert_intermediate_size=96, decoder_sparse_step=1, mlp_only_layers=[]).shape  # fmt: skip
    assert qwen.intermediate == (96, 64)


def test_pictures_and_a_part_for_text() -> None:
    seeing = {
        "model_type": "mistral3",
        "text_config": LLAMA,
        "vision_config": {
            "model_type": "pixtral",
            "hidden_size": 1024,
            "intermediate_size": 4096,
            "num_hidden_layers": 2,
        },
    }
    shape = model_config_of(json.dumps(seeing).encode(), "c").shape
    assert shape.sees
    layers, joined = 2 * 1024 * (4 * 1024 + 3 * 4096), 4096 * (1024 + 4096)
    assert shape.parameters.other == read().shape.parameters.other + layers + joined
    assert shape.parameters.linear == read().shape.parameters.linear


def test_weights_that_were_made_smaller() -> None:
    small = read(quantization_config={"quant_method": "mxfp4"})
    assert small.quantization == MXFP4


def test_a_model_without_a_gate() -> None:
    shape = read(model_type="phi").shape
    assert shape.parameters.linear == 32 * (2 * 4096 * 4096 + 2 * 1024 * 4096 + 2 * 4096 * 14336)


# --- what is wrong with a file


def test_a_file_and_its_folder(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(LLAMA))
    assert read_model_config(tmp_path) == read_model_config(tmp_path / "config.json") == read()


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="cannot be read: No such file or directory"):
        read_model_config(tmp_path / "config.json")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "config.json:1:1: not valid JSON: Expecting value"),
        (b'{"hidden_size": }', "config.json:1:17: not valid JSON: Expecting value"),
        (b"\xff", "config.json: not valid JSON"),
        (b"[1]", "config.json:1:1: it is no object"),
        (
            b'{"a": 1}',
            "config.json:1:1: hidden_size: none of num_hidden_layers, hidden_size, num_attention_heads is there",
        ),
        (b" " * 1_000_001, "config.json: larger than 1,000,000 bytes"),
    ],
)
def test_what_is_no_config_at_all(content: bytes, says: str) -> None:
    assert problems(content)[0].startswith(says)


def test_every_problem_is_told_at_once_with_its_line() -> None:
    found = problems({**LLAMA, "hidden_size": "4096", "num_hidden_layers": 0, "vocab_size": None})
    assert [each.split(": ")[:2] for each in found] == [
        ["config.json:3:18", "hidden_size"],
        ["config.json:5:24", "num_hidden_layers"],
        ["config.json:8:17", "vocab_size"],
    ]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"num_attention_heads": 24}, "24 heads do not divide hidden_size, 4,096: correct one, or give head_dim"),
        ({"num_key_value_heads": 5}, "5 does not divide num_attention_heads, 32"),
        ({"layer_types": ["full_attention"]}, "1 layers, where num_hidden_layers is 32"),
        ({"layer_types": ["linear_attention"] * 32}, "linear_attention is not counted yet: full_attention, sliding"),
        ({"num_experts": 4, "num_experts_per_tok": 5}, "5 experts per token, of 4"),
        ({"num_experts": 4}, 'missing key "num_experts_per_tok" (or experts_per_token, num_experts_per_token)'),
        (
            {"num_experts": 4, "num_experts_per_tok": 1, "first_k_dense_replace": 40},
            "40 layers, where num_hidden_layers",
        ),
        ({"num_experts": 4, "num_experts_per_tok": 1, "mlp_only_layers": ["1"]}, "models that name layers without"),
        ({"index_topk": 128}, "layers that keep something else than keys and values of each token are not counted"),
        ({"is_encoder_decoder": True}, "a model with an encoder is not counted yet"),
        ({"cross_attention_layers": [3, 8]}, "layers that keep something else than keys and values of each token"),
        ({"model_type": "bert"}, "a model that is an encoder alone writes no text"),
        ({"model_type": "new", "architectures": ["NewForMaskedLM"]}, "a model that is an encoder alone writes no text"),
        ({"model_type": "new", "type_vocab_size": 2}, "a model that is an encoder alone writes no text"),
        ({"quantization_config": {"quant_method": "aqlm"}}, '"aqlm" is not counted yet: one of awq, gptq, fp8, mxfp4'),
    ],
)
def test_what_does_not_go_together(change: dict[str, Any], says: str) -> None:
    found = problems({**LLAMA, **change})
    assert len(found) == 1
    assert says in found[0]


@pytest.mark.parametrize(
    ("change", "context"),
    [
        ({}, 131_072),
        ({"max_position_embeddings": None}, None),
        ({"seq_length": 4096}, 4096),
        ({"rope_scaling": {"rope_type": "llama3", "factor": 8.0}}, 131_072),
        ({"rope_scaling": {"type": "linear", "factor": 2.0}}, 262_144),
        ({"rope_scaling": {"type": "yarn", "factor": 4.0}}, 131_072),
        ({"rope_parameters": {"rope_type": "default"}}, 131_072),
        ({"rope_scaling": {"type": "linear", "factor": 8.0}, "model_type": "gemma3_text"}, 131_072),
    ],
)
def test_the_context_that_it_was_made_for_is_the_one_that_vllm_derives(
    change: dict[str, Any], context: int | None
) -> None:
    assert read(**change).shape.context == context


def test_a_scaling_that_is_none() -> None:
    [found] = problems({**LLAMA, "rope_scaling": {"type": "linear", "factor": -1}})
    assert "factor: -1 is no number above 0" in found


@pytest.mark.parametrize(
    "config",
    [
        {"model_type": "mamba", "hidden_size": 768, "num_hidden_layers": 24, "state_size": 16},
        {"d_model": 2560, "n_layer": 64, "ssm_cfg": {"layer": "Mamba2"}},
        {**LLAMA, "model_type": "falcon_h1", "mamba_d_state": 256},
        {**LLAMA, "model_type": "jamba"},
        {**LLAMA, "text_config": {**LLAMA, "model_type": "nemotron_h", "hybrid_override_pattern": "M-M*"}},
    ],
)
def test_a_state_space_is_not_computed_and_nothing_else_is_wrong_with_it(config: dict[str, Any]) -> None:
    [found] = problems(config)
    assert "layers that keep a state instead of keys and values" in found and "not computed" in found
