"""What the calculator is asked, and what it says. Money is in US dollars here, as `breakeven size` tells it."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from router.core.sizing.quantization import QuantizationName


class SizingQuery(Struct, frozen=True, forbid_unknown_fields=True):
    model: str
    """Of the catalogue, or the repository of one of it."""
    gpu: str
    quantization: QuantizationName = "bf16"
    context: Annotated[int, Meta(ge=1, le=100_000_000)] = 4096
    """Tokens of a conversation."""
    concurrency: Annotated[int, Meta(ge=1, le=100_000)] = 1
    """Conversations that have to fit at once."""
    against: str = ""
    """A model of an API, such as gpt-4o-mini; empty for none."""


class SizingChoices(Struct, frozen=True):
    models: list[str]
    gpus: list[str]
    quantizations: list[QuantizationName]
    against: list[str]
    """Models that the policy buys from an API; any other of the price list will do, too."""


class Sized(Struct, frozen=True):
    sizing: dict[str, Any]
    """As `breakeven size MODEL --gpu GPU --quantization … --json` has it, with one option."""
    volume_known: bool
    """Whether the ledger could be read: without tokens in 24 hours, and while it is lost, there is no cost at them."""
