"""What `breakeven size` found, as one JSON object: money in USD, memory in GiB, speeds in tokens a second."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from router.config.sizing.article import Corrected
from router.config.sizing.catalogue import Catalogue, Measured
from router.config.sizing.sizing import Option, Prices, Sizing, Wanted, gib, quality_of
from router.core.cost.preference import BreakEven
from router.core.sizing.worth import Cost


def sizing_json(sizing: Sizing, wanted: Wanted, measured: Sequence[dict[str, object]] | None = None) -> str:
    """`measured` is what records say of backends, where there are any."""
    beside = {} if measured is None else {"measured": measured}
    return _text({**sizing_data(sizing, wanted), **beside})


def sizing_data(sizing: Sizing, wanted: Wanted) -> dict[str, Any]:
    subject, shape, parts = sizing.subject, sizing.subject.config.shape, sizing.subject.config.shape.parameters
    entry = subject.entry
    return {
        "model": subject.launched_as,
        "license": entry.license if entry else None,
        "source": entry.source if entry else None,
        "known_family": subject.config.known_family,
        "doubts": list(subject.config.doubts),
        "parameters": {
            "total": parts.total,
            "active": round(shape.active_parameters),
            "linear": parts.linear,
            "experts": parts.experts,
            "embedding": parts.embedding,
            "head": parts.head,
            "other": parts.other,
        },
        "context": sizing.context,
        "concurrency": sizing.concurrency,
        "vllm": {"since": sizing.release.since, "source": sizing.release.source, "seen": sizing.release.seen},
        "tokens_per_day": wanted.volume,
        "against": None
        if wanted.against is None
        else {
            "model": wanted.against.model,
            "provider": wanted.against.provider,
            "usd_per_million": sizing.api_usd_per_million,
        },
        "options": [_option(sizing, each) for each in sizing.options],
    }


def _option(sizing: Sizing, option: Option) -> dict[str, Any]:
    found, most = option.fit, option.speed
    quality = quality_of(sizing.subject, option.quantization)
    return {
        "gpu": option.gpu,
        "quantization": option.quantization,
        "fits": found.fits,
        "why_not": found.why_not or None,
        "cards": found.cards,
        "weights_gib": gib(found.weights),
        "overhead_gib": gib(found.overhead),
        "kv_bytes_per_token": found.token,
        "kv_room_gib": gib(found.room),
        "kv_tokens": found.tokens,
        "conversations": found.conversations,
        "estimate": None
        if most is None
        else {
            "bound": "at most, by data sheets",
            "tokens_per_second": option.tokens_per_second,
            "decode_tokens_per_second": most.decode,
            "decode_tokens_per_second_of_one": most.one,
            "prefill_tokens_per_second": most.prefill,
            "conversations": most.conversations,
            "decode_bound_by": most.decode_bound,
        },
        "cost": _prices(option.prices),
        "quality": None if quality is None else {**_measured(quality[0]), "unquantized": quality[1]},
        "launch": option.launch or None,
        "launch_note": option.launch_note or None,
    }


def _prices(prices: Prices | None) -> dict[str, Any] | None:
    if prices is None:
        return None
    return {"low": _cost(prices.low), "high": _cost(prices.high), "source": prices.source, "seen": prices.seen or None}


def _cost(at: Cost) -> dict[str, Any]:
    return {
        "usd_per_hour": at.per_hour,
        "usd_per_million_at_full_load": at.full_load,
        "usd_per_million_at_volume": at.at_volume,
        "cards_for_volume": at.cards_for_volume,
        "break_even": _break_even(at.against),
    }


def _break_even(terms: BreakEven | None) -> dict[str, Any] | None:
    if terms is None:
        return None
    return {
        "tokens_per_day": terms.tokens_per_day,
        "capacity_tokens_per_day": terms.capacity_tokens_per_day,
        "reachable": terms.reachable,
    }


def _measured(each: Measured) -> dict[str, Any]:
    return {"benchmark": each.benchmark, "score": each.score, "source": each.source}


def article_json(rows: Sequence[Corrected], catalogue: Catalogue) -> str:
    return _text({"reference": _measured(catalogue.reference), "rows": [_article(each) for each in rows]})


def _article(row: Corrected) -> dict[str, Any]:
    best, said = row.cheapest, row.row
    return {
        "article": {
            "model": said.says,
            "parameters": said.parameters,
            "quality_percent": said.quality,
            "memory_gb": said.memory_gb,
            "usd_per_million_self_hosted": said.usd_self_hosted,
            "usd_per_million_api": said.usd_api,
        },
        "note": said.note or None,
        "model": row.model,
        "license": row.license,
        "parameters": row.parameters,
        "quality": row.quality,
        "quality_percent_of_reference": row.quality_of_reference,
        "quality_source": row.quality_source or None,
        "weights_gib": row.weights_gib,
        "card_gib": row.card_gib,
        "cheapest_single_card": None
        if best is None
        else {"gpu": best.gpu, "tokens_per_second_at_most": best.tokens_per_second, "cost": _prices(best.prices)},
    }


def _text(data: dict[str, Any]) -> str:
    return msgspec.json.format(msgspec.json.encode(data)).decode()
