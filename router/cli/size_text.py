"""What `breakeven size` found, as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from router.cli.table import table
from router.config.sizing.article import CONTEXT, Corrected
from router.config.sizing.catalogue import Catalogue
from router.config.sizing.sizing import Option, Prices, Sizing, Wanted, break_evens, gib, quality_of
from router.core.cost.preference import BreakEven
from router.core.cost.worth import tokens
from router.simulate.measured import BackendSpeed

_ESTIMATES = (
    "Tokens a second are what bandwidth and arithmetic of the data sheets allow at most, with a quarter of all tokens"
    " in answers and every conversation as long as the context: an estimate that servers stay below. So a million"
    " tokens cost at least what stands there."
)
_SECONDS_PER_DAY = 86_400
_ARTICLE = (
    *("the article says", "what is meant", "GB it says", "weights GiB", "card GiB"),
    *("quality it says", "measured", "USD/M it says", "USD/M ≥", "on"),
)
_HEADINGS = ("weights", "gpu", "cards", "weights GiB", "KV GiB", "tokens", "at once", "tokens/s ≤", "USD/M ≥")


def sizing_text(sizing: Sizing, wanted: Wanted) -> str:
    parts = [*_head(sizing), "", *_table(sizing), *_below(sizing, wanted)]
    return "\n".join(parts)


def _head(sizing: Sizing) -> Iterator[str]:
    subject, shape = sizing.subject, sizing.subject.config.shape
    count, active = shape.parameters.total, shape.active_parameters
    experts = f", of which a token passes {tokens(active)}" if shape.expert_width else ""
    license = f", licence {subject.entry.license}" if subject.entry else ""
    made_for = "a context that its config does not tell" if shape.context is None else f"{shape.context:,} tokens"
    yield f"{subject.launched_as}: {tokens(count)} parameters{experts}, made for {made_for}{license}"
    for name in dict.fromkeys(each.quantization for each in sizing.options):
        yield f"  {_quality(sizing, name)}"
    if subject.config.doubts:
        yield f"  CAREFUL, its weights may be far off: {'; '.join(subject.config.doubts)}."
        yield f"  Hold {tokens(count)} parameters against its model card before you rely on what stands below."
    plural = "s" if sizing.concurrency > 1 else ""
    yield (
        f"vLLM {sizing.release.since} or later, {sizing.concurrency} conversation{plural} of {sizing.context:,} tokens,"
        f" {sizing.release.utilization:.0%} of a card"
    )


def _quality(sizing: Sizing, quantization: str) -> str:
    found = quality_of(sizing.subject, quantization)
    if found is None:
        return f"{quantization}: no quality measured that is known here"
    measured, whole = found
    beside = "" if whole is None else f" where the whole weights have {whole:g}"
    return f"{quantization}: {measured.score:g} on {measured.benchmark}{beside} ({measured.source})"


def _table(sizing: Sizing) -> list[str]:
    api = sizing.api_usd_per_million is not None
    lines = [(*_HEADINGS, *(("beats the API from",) if api else ()))]
    lines += [_line(each, api) for each in sizing.options]
    return table(lines, 2)


def _line(option: Option, api: bool) -> tuple[str, ...]:
    found = option.fit
    if not found.fits:
        row = (
            option.quantization,
            option.gpu,
            "-",
            f"{gib(found.weights):.1f}",
            f"{gib(found.room):.1f}",
            "-",
            "-",
            "-",
        )
        return (*row, "-", *(("-",) if api else ()))
    rate = option.tokens_per_second or 0.0
    return (
        option.quantization,
        option.gpu,
        str(found.cards),
        f"{gib(found.weights):.1f}",
        f"{gib(found.room):.1f}",
        f"{found.tokens:,}",
        f"{found.conversations:.1f}",
        f"{rate:,.0f}",
        _range(option.prices),
        *((_from(option.prices),) if api else ()),
    )


def _range(prices: Prices | None) -> str:
    if prices is None:
        return "no rent known"
    low, high = _money(prices.low.full_load), _money(prices.high.full_load)
    return low if low == high else f"{low}-{high}"


def _money(usd: float) -> str:
    return f"{usd:.3f}" if usd < 0.1 else f"{usd:.2f}"


def _from(prices: Prices | None) -> str:
    terms = None if prices is None else break_evens(prices)
    if terms is None:
        return "-"
    return _both(*map(_volume, terms))


def _volume(terms: BreakEven) -> str:
    if terms.tokens_per_day is None or not terms.reachable:
        return "never"
    return f"{tokens(terms.tokens_per_day)}/day"


def _below(sizing: Sizing, wanted: Wanted) -> Iterator[str]:
    yield ""
    for option in sizing.options:
        if not option.fit.fits:
            yield f"{option.quantization} on {option.gpu} does not fit: {option.fit.why_not}."
    best = cheapest(sizing.options)
    if best is None:
        return
    own = gib(best.fit.overhead)
    yield f"One token takes {best.fit.token:,.0f} bytes of KV cache on each card, and vLLM itself {own:.1f} GiB."
    yield _ESTIMATES
    yield from _money_lines(sizing, wanted, best)
    yield ""
    yield f"launch:  # {best.quantization} on {best.fit.cards} x {best.gpu}, the cheapest at full load"
    for key, value in best.launch.items():
        yield f"  {key}: {value}"
    if best.launch_note:
        yield f"  # {best.launch_note}"


def cheapest(options: Sequence[Option]) -> Option | None:
    """By a million tokens at full load; the first that fits where no rent is known."""
    fitting = [each for each in options if each.fit.fits]
    priced = [each for each in fitting if each.prices is not None]
    if not priced:
        return fitting[0] if fitting else None
    return min(priced, key=lambda each: each.prices.low.full_load if each.prices else 0.0)


def _money_lines(sizing: Sizing, wanted: Wanted, best: Option) -> Iterator[str]:
    prices = best.prices
    if prices is None:
        return
    seen = f", seen {prices.seen}" if prices.seen else ""
    rents = _both(f"${prices.low.per_hour:.2f}", f"${prices.high.per_hour:.2f}")
    yield f"{best.fit.cards} x {best.gpu} costs {rents} an hour ({prices.source}{seen})."
    if prices.low.at_volume is not None and prices.high.at_volume is not None and wanted.volume:
        costs = _both(f"${_money(prices.low.at_volume)}", f"${_money(prices.high.at_volume)}")
        needed = prices.low.cards_for_volume or best.fit.cards
        if needed > best.fit.cards:
            most = tokens((best.tokens_per_second or 0.0) * _SECONDS_PER_DAY)
            yield (
                f"{tokens(wanted.volume)} tokens a day are more than {best.fit.cards} x {best.gpu} can serve (at most"
                f" {most}): they need {needed} of them at least, where a million costs {costs}."
            )
        else:
            yield f"At {tokens(wanted.volume)} tokens a day a million of them costs {costs} there."
    if wanted.against is not None and sizing.api_usd_per_million is not None:
        asked = _money(sizing.api_usd_per_million)
        yield f"{wanted.against.model} of {wanted.against.provider} asks ${asked} for a million tokens of that mix."


def measured_lines(backends: Sequence[BackendSpeed]) -> Iterator[str]:
    """Which model and card a backend has is known to its policy, and not to its records."""
    if not backends:
        return
    yield ""
    yield "As measured by this gateway, prompts and answers together, while a backend had anything at work:"
    for each in backends:
        yield (
            f"  {each.backend}: {each.tokens_per_second:,.0f} tokens a second, in {each.busy_seconds / 3600:,.1f} hours"
            f" and {each.answers:,} answers"
        )
    yield "It is what traffic asked of them, and the most that they can make only where they were full all the time."


def measured_data(each: BackendSpeed) -> dict[str, object]:
    return {
        "backend": each.backend,
        "answers": each.answers,
        "tokens": each.tokens,
        "busy_seconds": each.busy_seconds,
        "tokens_per_second": each.tokens_per_second,
    }


def _both(low: str, high: str) -> str:
    return low if low == high else f"{low} to {high}"


# --- the article


def article_text(rows: Sequence[Corrected], catalogue: Catalogue) -> str:
    reference = catalogue.reference
    parts = [
        f"The article's table, corrected: 4-bit weights (AWQ), one conversation of {CONTEXT:,} tokens,"
        f" vLLM {catalogue.releases[-1].since} or later",
        "",
        *table([_ARTICLE, *map(_article_line, rows)], 2),
        "",
    ]
    parts += [f"{each.row.says}: {each.row.note}." for each in rows if each.row.note]
    parts += [
        f"Quality is percent of GPT-4o; measured on MMLU-Pro, where it has {reference.score:g} ({reference.source}).",
        *dict.fromkeys(f"  {each.model}: {each.quality:g} ({each.quality_source})" for each in rows if each.quality),
        "A card of that memory holds one conversation, and nothing beside it.",
        _ESTIMATES,
    ]
    return "\n".join(parts)


def _article_line(row: Corrected) -> tuple[str, ...]:
    best = row.cheapest
    return (
        row.row.says,
        row.model,
        f"{row.row.memory_gb:g}",
        f"{row.weights_gib:.1f}",
        f"{row.card_gib:.1f}",
        f"{row.row.quality:g} %",
        "-" if row.quality_of_reference is None else f"{row.quality_of_reference:.0f} %",
        f"{row.row.usd_self_hosted:.2f}",
        "-" if best is None else _range(best.prices),
        "-" if best is None else f"1 x {best.gpu}",
    )
