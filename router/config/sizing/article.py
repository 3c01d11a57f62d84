"""The table of the article that the threshold of 500,000 tokens a day comes from, with what is right of it."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from router.config.sizing.catalogue import ArticleRow, Catalogue
from router.config.sizing.sizing import Option, Wanted, cards_of, size, subject_of
from router.core.sizing.cards import GIB, SMALL
from router.core.sizing.kv_cache import Paging, conversation_bytes
from router.core.sizing.quantization import QUANTIZATIONS
from router.core.sizing.weights import weight_bytes

CONTEXT = 4096
"""`max_model_len` of the article's deployment; its quantization is AWQ, and one conversation has to fit."""
CARDS = ("L4", "RTX-4090", "L40S", "A100-80", "H100", "H200")


class Corrected(Struct, frozen=True):
    row: ArticleRow
    model: str
    parameters: float
    license: str
    quality: float | None
    """MMLU-Pro, of the whole weights."""
    quality_of_reference: float | None
    """Percent of what the article compares with, on that benchmark."""
    quality_source: str
    weights_gib: float
    card_gib: float
    """Memory of one card on which one conversation fits, as a program sees it."""
    cheapest: Option | None
    """By a million tokens at full load, of the cards of which one is enough."""


def corrected(catalogue: Catalogue, wanted: Wanted) -> tuple[Corrected, ...]:
    return tuple(_corrected(row, catalogue, wanted) for row in catalogue.article)


def _corrected(row: ArticleRow, catalogue: Catalogue, wanted: Wanted) -> Corrected:
    entry = catalogue.models[row.model]
    shape, quantization, release = entry.read("awq").shape, QUANTIZATIONS["awq"], catalogue.releases[-1]
    weights = weight_bytes(shape, quantization)
    kept = conversation_bytes(shape, Paging(CONTEXT, SMALL.tokens), CONTEXT)
    needed = (weights + kept + release.bytes_of(shape, SMALL)) / release.utilization
    asked = replace(wanted, quantization="awq", context=CONTEXT, version=None)
    options = size(subject_of(row.model, catalogue), cards_of(CARDS, catalogue), asked, catalogue).options
    single = [each for each in options if each.prices is not None and each.fit.cards == 1]
    quality = entry.quality
    return Corrected(
        row=row,
        model=entry.repository,
        parameters=entry.read().shape.parameters.total,
        license=entry.license,
        quality=quality.score if quality else None,
        quality_of_reference=100 * quality.score / catalogue.reference.score if quality else None,
        quality_source=quality.source if quality else "",
        weights_gib=weights / GIB,
        card_gib=needed / GIB,
        cheapest=min(single, key=lambda each: each.prices.low.full_load if each.prices else 0.0, default=None),
    )
