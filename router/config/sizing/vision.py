"""What sees pictures in a model, and what joins it to the text: its parameters by its kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from router.config.sizing.fields import Fields

_MERGED = 2
"""Patches to a side that become one token (`spatial_merge_size`)."""


def parameters_of(sight: Fields, kind: str, text_width: int) -> int:
    """Of a `vision_config`. `kind` is its `model_type`, or that of the whole model; see `KINDS`."""
    return KINDS.get(kind, _plain)(sight, text_width)


def _plain(sight: Fields, text_width: int) -> int:
    """CLIP and SigLIP: layers of two matrices without a gate."""
    if sight.has("hidden_size") is None:
        return 0
    hidden = sight.size("hidden_size")
    return _layers(sight, hidden, sight.size("intermediate_size", default=4 * hidden), 2) + hidden * text_width


def _pixtral(sight: Fields, text_width: int) -> int:
    hidden = sight.size("hidden_size")
    layers = _layers(sight, hidden, sight.size("intermediate_size", default=4 * hidden), 3)
    return layers + text_width * (hidden + text_width)


def _qwen2(sight: Fields, text_width: int) -> int:
    """Its `hidden_size` is the width of what it gives to the text; its own is `embed_dim`."""
    own = sight.size("embed_dim", default=1280)
    return _layers(sight, own, int(own * sight.number("mlp_ratio", default=4.0)), 2) + _merger(sight, own, text_width)


def _qwen2_5(sight: Fields, text_width: int) -> int:
    own = sight.size("hidden_size", default=1280)
    return _layers(sight, own, sight.size("intermediate_size", default=3420), 3) + _merger(sight, own, text_width)


def _qwen3(sight: Fields, text_width: int) -> int:
    """It joins the text at several of its layers, each time by a merger of its own (`deepstack_visual_indexes`)."""
    own = sight.size("hidden_size", default=1152)
    mergers = 1 + sight.length("deepstack_visual_indexes", default=3)
    layers = _layers(sight, own, sight.size("intermediate_size", default=4304), 2)
    return layers + mergers * _merger(sight, own, text_width) + sight.count("num_position_embeddings") * own


def _layers(sight: Fields, hidden: int, width: int, matrices: int) -> int:
    return sight.size("depth", "num_hidden_layers", default=24) * hidden * (4 * hidden + matrices * width)


def _merger(sight: Fields, own: int, text_width: int) -> int:
    merged = own * sight.size("spatial_merge_size", default=_MERGED) ** 2
    return merged * (merged + text_width)


KINDS: Mapping[str, Callable[[Fields, int], int]] = {
    "clip_vision_model": _plain,
    "siglip_vision_model": _plain,
    "pixtral": _pixtral,
    "qwen2_vl": _qwen2,
    "qwen2_5_vl": _qwen2_5,
    "qwen3_vl": _qwen3,
    "qwen3_vl_moe": _qwen3,
}
"""As their code in Hugging Face's transformers has them (`models/<kind>/modeling_<kind>.py`)."""
