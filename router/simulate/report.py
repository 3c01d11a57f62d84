"""The outcome of a simulation as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from router.simulate.figures import Figure, Outcome

SAID = "Simulated: nothing here was measured or paid."
_LISTED = 5


def text_of(outcome: Outcome, timezone: ZoneInfo) -> str:
    return "\n".join([*_lines(outcome, timezone), ""])


def _lines(outcome: Outcome, timezone: ZoneInfo) -> Iterator[str]:
    figures = outcome.figures
    yield f"{SAID} Policy {outcome.policy} ({outcome.version}),"
    yield (
        f"{number(figures['requests'])} requests of {_when(outcome.begin, timezone)} to {_when(outcome.end, timezone)}"
        f" ({timezone.key})."
    )
    yield ""
    yield from _aligned(
        [
            ("", "requests", "tokens", "bought", "rent", "together"),
            (
                "own",
                number(figures["own_requests"]),
                number(figures["own_tokens"]),
                usd(figures["usd_own_tokens"]),
                usd(figures["usd_rent"]),
                usd(_sum(figures["usd_own_tokens"], figures["usd_rent"])),
            ),
            (
                "cloud",
                number(figures["cloud_requests"]),
                number(figures["cloud_tokens"]),
                usd(figures["usd_cloud"]),
                "",
                usd(figures["usd_cloud"]),
            ),
            ("all", number(_sum(figures["own_requests"], figures["cloud_requests"])), "", "", "", usd(figures["usd"])),
        ]
    )
    yield ""
    yield f"cloud alone      {usd(figures['usd_cloud_alone'])}"
    yield f"saved            {usd(figures['usd_saved'])}"
    yield f"in hindsight     {usd(figures['usd_hindsight'])}  (the least that it could have cost, known beforehand)"
    on, hours, starts = (number(figures[name]) for name in ("hours_on", "hours", "starts"))
    yield f"hours on         {on} of {hours}, {starts} starts"
    yield ""
    yield f"refused          {number(figures['refused'])}{_listed(outcome.refusals.items())}"
    yield f"spilled          {number(figures['spilled'])}"
    yield f"waited           {number(figures['waited'])}{_spread(figures, 'wait')}"
    yield f"answer began     {_spread(figures, 'first_byte').strip(' :')}"
    yield f"answer ended     {_spread(figures, 'latency').strip(' :')}"
    yield (
        f"may not leave    {number(figures['restricted'])} requests, and {number(figures['restricted_left'])} of all"
        " went where their level or tags do not permit it"
    )
    for each in outcome.exhausted[:_LISTED]:
        yield (
            f"ran out          {each.name}: first on {_when(each.first, timezone)}; {number(each.requests)} requests,"
            f" {number(each.refused)} of them refused"
        )
    for what, names in outcome.unknown.items():
        yield f"not in policy    {what}{_listed(names.items())}"
    yield ""
    yield "why"
    for backend, reasons in outcome.reasons.items():
        yield f"  {backend}: {', '.join(f'{reason} {number(count)}' for reason, count in reasons.items())}"


def usd(value: Figure) -> str:
    if value is None:
        return "unknown"
    return f"-${-value:,.2f}" if value < 0 else f"${value:,.2f}"


def number(value: Figure) -> str:
    if value is None:
        return "none"
    return f"{value:,.1f}" if isinstance(value, float) else f"{value:,}"


def _sum(*values: Figure) -> Figure:
    return sum(value or 0 for value in values)


def _when(at: float, timezone: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(at, timezone):%Y-%m-%d %H:%M}"


def _listed(items: Iterable[tuple[str, int]]) -> str:
    shown = [f"{name} {number(count)}" for name, count in items]
    return f": {', '.join(shown[:_LISTED])}" if shown else ""


def _spread(figures: Mapping[str, Figure], name: str) -> str:
    values = [value for share in (50, 95, 99) if (value := figures[f"{name}_p{share}"]) is not None]
    within = [f"{of} within {value:,.2f} s" for of, value in zip(("half", "95 %", "99 %"), values, strict=False)]
    return f": {', '.join(within)}" if within else ""


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *rest in rows:
        right = [text.rjust(width) for text, width in zip(rest, widths[1:], strict=True)]
        yield "  ".join([first.ljust(widths[0]), *right]).rstrip()
