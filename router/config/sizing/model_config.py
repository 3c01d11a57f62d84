"""A model's `config.json`, as Hugging Face's transformers writes it -> its shape, or every problem of the file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from router.config.bounded_files import read_regular
from router.config.problems import Finding, PolicyError, Problem
from router.config.sizing.families import FAMILIES, LIKE_LLAMA, Family
from router.config.sizing.fields import Fields
from router.config.sizing.quantized import quantization_of
from router.config.sizing.vision import KINDS, parameters_of
from router.config.yaml_document import parse
from router.core.sizing.quantization import BF16, Quantization
from router.core.sizing.shape import KvLayers, ModelShape, Parameters

MAX_BYTES = 1_000_000
_KEYS = ("num_hidden_layers", "hidden_size", "num_attention_heads")
_EXPERTS = ("num_local_experts", "num_experts", "n_routed_experts")
_CHOSEN = ("num_experts_per_tok", "experts_per_token", "num_experts_per_token")
_CONTEXTS = ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length", "model_max_length",
             "max_sequence_length", "max_seq_length", "seq_len")  # fmt: skip
_SCALED = ("su", "longrope", "llama3", "yarn", "deepseek_yarn", "deepseek_llama_scaling")
"""Kinds of scaling whose factor the named context has already."""
_STATES = ("state_size", "ssm_cfg", "ssm_state_size", "mamba_d_state", "mamba_d_conv", "hybrid_override_pattern",
           "layers_block_type")  # fmt: skip
_STATE_KINDS = ("mamba", "jamba", "bamba", "zamba", "rwkv", "falcon_h1", "nemotron_h", "recurrent_gemma")
"""Of models whose layers, all or some, keep a state instead of keys and values."""
_NOT_READ = ("linear_num_value_heads", "linear_attn_config", "attention_chunk_size",
             "index_topk", "num_kv_shared_layers", "cross_attention_layers")  # fmt: skip
"""Of models that keep something else than keys and values, or share them among layers."""


_ENCODERS = frozenset({
    "albert", "bert", "camembert", "deberta", "deberta-v2", "distilbert", "electra", "ernie", "esm", "longformer",
    "modernbert", "mpnet", "nomic_bert", "roberta", "roformer", "xlm", "xlm-roberta", "xlm-roberta-xl",
})  # fmt: skip
"""`model_type` of those that read a text and write none."""
_COUNTED_PARTS = ("text_config", "vision_config", "quantization_config", "generation_config")


class ModelConfig(Struct, frozen=True):
    shape: ModelShape
    quantization: Quantization
    """As its weights are; bf16 where the file says nothing."""
    method: str = ""
    """By which its weights were made smaller, as vLLM calls it; empty where they are whole."""
    doubts: tuple[str, ...] = ()
    """What is counted like something else, or not at all, as nobody here knows its code: with any, weights may be far
    off. One sentence each."""

    @property
    def known_family(self) -> bool:
        """It is counted as its code has it."""
        return not self.doubts


def read_model_config(path: str | Path) -> ModelConfig:
    """Of a file, or of one of this name in a folder. Raises PolicyError with all that is wrong with it."""
    file = Path(path)
    file = file / "config.json" if file.is_dir() else file
    try:
        content = read_regular(file, MAX_BYTES)
    except OSError as error:
        raise PolicyError([Problem(str(file), 0, 0, "", f"cannot be read: {error.strerror}")]) from None
    return model_config_of(content, str(file))


def model_config_of(content: bytes, name: str) -> ModelConfig:
    """As `read_model_config`, of the content of a file; `name` is for messages."""
    if len(content) > MAX_BYTES:
        raise PolicyError([Problem(name, 0, 0, "", f"larger than {MAX_BYTES:,} bytes: this is hardly a config.json")])
    try:
        data = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PolicyError([_no_json(content, name, str(error))]) from None
    findings: list[Finding] = []
    config = config_of(data, findings)
    if config is None or findings:
        places = parse(content.decode(errors="replace"), name)
        raise PolicyError(map(places.problem, findings))
    return config


def _no_json(content: bytes, name: str, otherwise: str) -> Problem:
    """With the line and column where it ends to be JSON, which msgspec does not tell."""
    try:
        json.loads(content)
    except json.JSONDecodeError as error:
        return Problem(name, error.lineno, error.colno, "", f"not valid JSON: {error.msg}")
    except (ValueError, RecursionError):
        pass
    return Problem(name, 0, 0, "", f"not valid JSON: {otherwise}")


def config_of(data: Any, findings: list[Finding]) -> ModelConfig | None:
    """None where nothing can be made of it; anything is right only if `findings` stays empty."""
    if not isinstance(data, dict):
        findings.append(Finding((), "it is no object: a model's config.json begins with {"))
        return None
    whole = Fields(data, findings)
    text = whole.part("text_config") or whole
    if _keeps_a_state(text, whole) or _encodes(text, whole):
        return None
    if not text.names().intersection(_KEYS):
        text.wrong("hidden_size", f"none of {', '.join(_KEYS)} is there: this is no config.json of a language model")
        return None
    _refuse_what_is_not_read(text)
    family = _family(text, whole)
    reader = _Reader(text, family or LIKE_LLAMA, whole)
    shape = reader.shape()
    smaller = whole.part("quantization_config") or text.part("quantization_config")
    quantization, method = quantization_of(smaller) or BF16, smaller.text("quant_method") if smaller else ""
    return ModelConfig(shape, quantization, method, tuple(_doubts(text, whole)))


def _family(text: Fields, whole: Fields) -> Family | None:
    return FAMILIES.get(text.text("model_type")) or FAMILIES.get(whole.text("model_type"))


def _doubts(text: Fields, whole: Fields) -> Iterator[str]:
    if _family(text, whole) is None:
        kind = text.text("model_type") or whole.text("model_type")
        what = f'model_type "{kind}"' if kind else "a model without a model_type"
        yield f"{what} is not known here, and is counted as if it were made like Llama"
    sight = whole.part("vision_config")
    if sight is not None and _kind_of(sight, whole) not in KINDS:
        yield f'what sees pictures ("{_kind_of(sight, whole)}") is not known here, and is counted as if it were CLIP'
    for name in sorted(whole.names()):
        if name.endswith("_config") and name not in _COUNTED_PARTS and whole.is_object(name):
            yield f"{name} is not counted"


def _kind_of(sight: Fields, whole: Fields) -> str:
    kind = sight.text("model_type")
    return kind if kind in KINDS else whole.text("model_type") or kind


def _encodes(text: Fields, whole: Fields) -> bool:
    """With an encoder, alone or beside a decoder."""
    kind = text.text("model_type") or whole.text("model_type")
    masked = any(each.endswith("ForMaskedLM") for each in whole.texts("architectures") or ())
    if kind in _ENCODERS or masked or text.has("type_vocab_size"):
        text.wrong(
            "model_type",
            "a model that is an encoder alone writes no text, and is not counted: what it takes has to be measured",
        )
        return True
    if text.flag("is_encoder_decoder", default=False):
        text.wrong("is_encoder_decoder", "a model with an encoder is not counted yet: it has to be a decoder alone")
        return True
    return False


def _keeps_a_state(text: Fields, whole: Fields) -> bool:
    kinds = text.text("model_type"), whole.text("model_type")
    name = text.has(*_STATES)
    if name is None and not any(part in kind for kind in kinds for part in _STATE_KINDS):
        return False
    text.wrong(
        name or "model_type",
        "a model with layers that keep a state instead of keys and values (a state space such as Mamba, alone or beside"
        " attention) is not computed: what it takes has to be measured",
    )
    return True


def _refuse_what_is_not_read(text: Fields) -> None:
    name = text.has(*_NOT_READ)
    if name is not None:
        text.wrong(name, "layers that keep something else than keys and values of each token are not counted yet")


class _Reader:
    def __init__(self, text: Fields, family: Family, whole: Fields) -> None:
        self._text = text
        self._family = family
        self._whole = whole
        self._hidden = text.size("hidden_size")
        self._layers = text.size("num_hidden_layers")
        self._heads = text.size("num_attention_heads")
        self._kv_heads = text.size("num_key_value_heads", default=self._heads)
        self._head_dim = self._width_of_a_head()
        self._latent = text.count("kv_lora_rank")
        self._experts = text.count(*_EXPERTS)

    def _width_of_a_head(self) -> int:
        by_hidden = self._text.has("head_dim", "kv_lora_rank") is None
        if self._text.is_sound and by_hidden and self._hidden % self._heads:
            self._text.wrong(
                "num_attention_heads",
                f"{self._heads} heads do not divide hidden_size, {self._hidden:,}: correct one, or give head_dim",
            )
        if self._text.is_sound and self._heads % self._kv_heads:
            self._text.wrong(
                "num_key_value_heads", f"{self._kv_heads} does not divide num_attention_heads, {self._heads}"
            )
        return self._text.size("head_dim", default=max(1, self._hidden // self._heads))

    def shape(self) -> ModelShape:
        text, family = self._text, self._family
        vocabulary = text.size("vocab_size", default=family.vocabulary)
        tied = text.flag("tie_word_embeddings", default=self._whole.flag("tie_word_embeddings", default=family.tied))
        sight = self._sight()
        attention, norms = self._attention()
        dense, experts, routers, widths = self._feed_forward()
        table = self._hidden * vocabulary
        return ModelShape(
            hidden=self._hidden,
            vocabulary=vocabulary,
            context=self._context(),
            heads=self._heads,
            kv_heads=self._heads if self._latent else self._kv_heads,
            intermediate=widths,
            kv=self._kept(),
            parameters=Parameters(
                linear=attention + dense,
                experts=experts,
                embedding=table,
                head=0 if tied else table,
                other=norms + routers + sight,
            ),
            expert_share=self._share(),
            expert_width=self._expert_width() if self._experts else 0,
            sees=sight > 0,
        )

    def _context(self) -> int | None:
        """As vLLM 0.32 derives it: the shortest that is named, times the factor of a scaling that is not in it yet
        (`_get_and_verify_max_len` in config/model.py)."""
        text = self._text
        named = [text.size(name) for name in _CONTEXTS if text.has(name)]
        if not named:
            return None
        scaling = text.part("rope_parameters") or text.part("rope_scaling")
        if scaling is None or text.text("model_type").startswith("gemma3"):
            return min(named)
        kind = scaling.text("rope_type") or scaling.text("type")
        return int(min(named) * (1.0 if kind in _SCALED else scaling.number("factor", default=1.0)))

    # --- attention

    def _attention(self) -> tuple[int, int]:
        """Of all layers: matrices, and norms with biases."""
        layers, hidden, heads, family = self._layers, self._hidden, self._heads, self._family
        norms = hidden * (family.layer_norms * layers + 1) * (2 if family.norm_biases else 1)
        if self._latent:
            return layers * self._latent_matrices(), norms + layers * (self._latent + self._text.count("q_lora_rank"))
        queries, kept = heads * self._head_dim, self._kv_heads * self._head_dim
        biases = (queries + 2 * kept) * (family.qkv_bias or self._text.flag("attention_bias", default=False))
        biases += hidden * family.output_bias + 2 * self._head_dim * family.head_norms
        biases += (queries + kept) * family.whole_norms
        return layers * (2 * queries * hidden + 2 * kept * hidden), norms + layers * biases

    def _latent_matrices(self) -> int:
        """DeepSeek-V2, arXiv 2405.04434, section 2.1.2."""
        text, hidden, heads = self._text, self._hidden, self._heads
        rope, plain, value = (text.size(name) for name in ("qk_rope_head_dim", "qk_nope_head_dim", "v_head_dim"))
        rank = text.count("q_lora_rank")
        queries = heads * (plain + rope)
        asked = rank * (hidden + queries) if rank else hidden * queries
        return asked + hidden * (self._latent + rope) + self._latent * heads * (plain + value) + heads * value * hidden

    def _kept(self) -> tuple[KvLayers, ...]:
        if self._latent:
            elements = self._latent + self._text.size("qk_rope_head_dim")
            return (KvLayers(self._layers, elements, 1),)
        elements = 2 * self._kv_heads * self._head_dim
        windowed = self._windowed()
        kept = []
        if whole := self._layers - windowed:
            kept.append(KvLayers(whole, elements, self._kv_heads))
        if windowed:
            kept.append(KvLayers(windowed, elements, self._kv_heads, self._text.size("sliding_window")))
        return tuple(kept)

    def _windowed(self) -> int:
        """Layers that look back at a window alone."""
        text = self._text
        kinds = text.texts("layer_types")
        if kinds is not None:
            unknown = set(kinds) - {"full_attention", "sliding_attention"}
            if unknown:
                text.wrong("layer_types", f"{sorted(unknown)[0]} is not counted yet: full_attention, sliding_attention")
            if len(kinds) != self._layers:
                text.wrong("layer_types", f"{len(kinds)} layers, where num_hidden_layers is {self._layers}")
            return kinds.count("sliding_attention")
        if text.has("sliding_window") is None or not text.flag("use_sliding_window", default=True):
            return 0
        pattern = text.size("sliding_window_pattern", default=self._family.pattern or 0) if self._has_pattern() else 0
        if pattern:
            return self._layers - self._layers // pattern
        return max(0, self._layers - text.count("max_window_layers"))

    def _has_pattern(self) -> bool:
        return self._family.pattern is not None or self._text.has("sliding_window_pattern") is not None

    # --- feed-forward

    def _feed_forward(self) -> tuple[int, int, int, tuple[int, ...]]:
        """Of all layers: matrices that every token passes, those of experts, routers with biases; and widths."""
        text, hidden, family = self._text, self._hidden, self._family
        if not self._experts:
            width = text.size("intermediate_size")
            biases = self._layers * (width + hidden) * family.output_bias
            return self._layers * family.matrices * hidden * width, 0, biases, (width,)
        with_experts = self._layers_with_experts()
        width, shared = self._expert_width(), self._shared_width()
        dense = self._layers - with_experts
        plain = text.size("intermediate_size") if dense else 0
        matrices = family.matrices * hidden * (dense * plain + with_experts * shared)
        experts = with_experts * self._experts * family.matrices * hidden * width
        routers = with_experts * (self._experts + family.shared_gate) * hidden
        if family.expert_biases:
            routers += with_experts * self._experts * (1 + 2 * width + hidden)
        return matrices, experts, routers, tuple(each for each in (plain, shared, width) if each)

    def _layers_with_experts(self) -> int:
        text = self._text
        first, listed = text.count("first_k_dense_replace"), text.has("mlp_only_layers")
        if first > self._layers:
            text.wrong("first_k_dense_replace", f"{first} layers, where num_hidden_layers is {self._layers}")
        if listed and text.texts("mlp_only_layers") != ():
            text.wrong("mlp_only_layers", "models that name layers without experts are not counted yet")
        step = text.size("decoder_sparse_step", default=1)
        return max(0, self._layers - first) // step

    def _expert_width(self) -> int:
        return self._text.size("moe_intermediate_size", "intermediate_size")

    def _shared_width(self) -> int:
        if self._text.has("shared_expert_intermediate_size"):
            return self._text.count("shared_expert_intermediate_size")
        return self._text.count("n_shared_experts") * self._expert_width()

    def _share(self) -> float:
        if not self._experts:
            return 1.0
        chosen = self._text.size(*_CHOSEN)
        if chosen > self._experts:
            name = self._text.has(*_CHOSEN) or _CHOSEN[0]
            self._text.wrong(name, f"{chosen} experts per token, of {self._experts}")
        return chosen / self._experts

    # --- pictures

    def _sight(self) -> int:
        """Parameters of what sees pictures."""
        sight = self._whole.part("vision_config")
        return 0 if sight is None else parameters_of(sight, _kind_of(sight, self._whole), self._hidden)
