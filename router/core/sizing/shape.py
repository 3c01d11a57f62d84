"""What a model is made of: parameters by part, and what attention keeps of each token."""

from __future__ import annotations

from msgspec import Struct


class KvLayers(Struct, frozen=True):
    """Layers whose attention keeps the same of each token."""

    layers: int
    elements: int
    """Numbers per token and layer: 2·kv_heads·head_dim, for keys and values; with latent attention (MLA) the one
    vector that both are made from, kv_lora_rank + qk_rope_head_dim (DeepSeek-V2, arXiv 2405.04434, section 2.1)."""
    heads: int
    """What cards may divide among them; 1 for a latent vector, which each card holds whole."""
    window: int | None = None
    """Tokens that they look back at; None for all."""


class Parameters(Struct, frozen=True):
    """How many there are, by what becomes of them."""

    linear: int
    """Matrices of attention and of feed-forward layers that every token passes, shared experts among them."""
    experts: int
    """Those of experts among which a router chooses."""
    embedding: int
    head: int
    """What makes scores of the last layer; 0 where the embedding does it (`tie_word_embeddings`)."""
    other: int
    """Norms, biases, routers, and what sees pictures."""

    @property
    def total(self) -> int:
        return self.linear + self.experts + self.embedding + self.head + self.other


class ModelShape(Struct, frozen=True):
    hidden: int
    vocabulary: int
    context: int | None
    """Tokens that it was made for; None where its config does not say."""
    heads: int
    kv_heads: int
    intermediate: tuple[int, ...]
    """Widths of feed-forward layers, which cards have to divide among them."""
    kv: tuple[KvLayers, ...]
    parameters: Parameters
    expert_share: float = 1.0
    """Experts that a token passes, of all."""
    expert_width: int = 0
    """Of one expert; 0 where there are none."""
    sees: bool = False
    """It takes pictures."""

    @property
    def layers(self) -> int:
        return sum(each.layers for each in self.kv)

    @property
    def active_parameters(self) -> float:
        """What one token is multiplied with: not the embedding, of which it takes a row."""
        parts = self.parameters
        return parts.linear + parts.experts * self.expert_share + (parts.head or parts.embedding)
