"""The outcome of a simulation as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from router.simulate.comparison import Move
from router.simulate.figures import Figure, Outcome

SAID = "Simulated: nothing here was measured or paid."
_LISTED = 5
MOST_MOVES = 20


COMPARED = (
    *("usd", "usd_cloud", "usd_own_tokens", "usd_rent", "usd_saved", "hours_on", "starts", "own_requests"),
    *("cloud_requests", "refused", "spilled", "waited", "restricted_left", "wait_p95", "first_byte_p95", "latency_p95"),
)
_CHART_COLUMNS = 72
_BARS = " ▁▂▃▄▅▆▇█"


def text_of(outcome: Outcome, timezone: ZoneInfo) -> str:
    return "\n".join([*_lines(outcome, timezone), "", *chart(outcome, timezone), ""])


def text_of_both(outcome: Outcome, against: Outcome, moves: Sequence[Move], same: int, timezone: ZoneInfo) -> str:
    """Two policies side by side, and the requests that moved."""
    head = [text_of(outcome, timezone), f"Against {against.policy} ({against.version})", ""]
    rows = [("", outcome.policy, against.policy, "difference")]
    for name in COMPARED:
        one, other = outcome.figures[name], against.figures[name]
        show = usd if name.startswith("usd") else number
        difference = "" if one is None or other is None else show(one - other)
        rows.append((name, show(one), show(other), difference))
    moved = sum(move.requests for move in moves)
    tail = ["", f"{number(moved)} requests went elsewhere, {number(same)} went where they went."]
    return "\n".join([*head, *_aligned(rows), *tail, *_moves(moves), ""])


def _moves(moves: Sequence[Move]) -> Iterator[str]:
    for move in moves[:MOST_MOVES]:
        for_example = f"; such as {', '.join(move.examples)}" if move.examples else ""
        yield (
            f"  {number(move.requests)}: {place(move.backend)} ({move.reason}), and {place(move.against_backend)}"
            f" ({move.against_reason}) there; {usd(move.usd)} instead of {usd(move.against_usd)}{for_example}"
        )


def place(backend: str) -> str:
    return backend or "refused"


def chart(outcome: Outcome, timezone: ZoneInfo) -> Iterator[str]:
    """One line for each figure, as many hours in a column as there have to be."""
    hours = outcome.curve
    each = -(-len(hours) // _CHART_COLUMNS)
    columns = [hours[first : first + each] for first in range(0, len(hours), each)]
    lines = (
        ("own", [float(sum(hour.own for hour in column)) for column in columns], _whole),
        ("cloud", [float(sum(hour.cloud for hour in column)) for column in columns], _whole),
        ("bought", [sum(hour.usd_bought for hour in column) for column in columns], usd),
        ("rent", [sum(hour.usd_rent for hour in column) for column in columns], usd),
    )
    of = "hour" if each == 1 else f"{each} hours"
    yield f"{when(outcome.begin, timezone)} to {when(outcome.end, timezone)}, by the {of}"
    for name, values, show in lines:
        most = max(values)
        bars = "".join(_BARS[_height(value, most)] for value in values)
        yield f"  {name.ljust(7)}|{bars}| most {show(most)}"


def _whole(value: float) -> str:
    return f"{value:,.0f}"


def _height(value: float, most: float) -> int:
    """What is not nothing is seen."""
    return max(1, round(value / most * (len(_BARS) - 1))) if value > 0 else 0


def _lines(outcome: Outcome, timezone: ZoneInfo) -> Iterator[str]:
    figures = outcome.figures
    yield f"{SAID} Policy {outcome.policy} ({outcome.version}),"
    yield (
        f"{number(figures['requests'])} requests of {when(outcome.begin, timezone)} to {when(outcome.end, timezone)}"
        f" ({timezone.key})."
    )
    yield from [f"WARNING: {warning}." for warning in outcome.warnings]
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
    without = f"  (without {number(figures['refused'])} that were refused)" if figures["refused"] else ""
    yield f"cloud alone      {usd(figures['usd_cloud_alone'])}{without}"
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
        " went where they may not"
    )
    if figures["guessed"]:
        yield f"length guessed   {number(figures['guessed'])} requests, of which nothing was sent when they came"
    if figures["assumed_price"]:
        yield (
            f"assumed price    {number(figures['assumed_price'])} requests at an assumed price, the dearest of their"
            " provider: a pattern took them"
        )
    for each in outcome.exhausted[:_LISTED]:
        yield (
            f"ran out          {each.name}: first on {when(each.first, timezone)}; {number(each.requests)} requests,"
            f" {number(each.refused)} of them refused"
        )
    if outcome.other_versions:
        yield f"other versions   {said_of_versions(outcome)}"
    for what, names in outcome.unknown.items():
        yield f"not in policy    {what}{_listed(names.items())}"
    yield ""
    yield "why"
    for backend, reasons in outcome.reasons.items():
        yield f"  {backend}: {', '.join(f'{reason} {number(count)}' for reason, count in reasons.items())}"


def said_of_versions(outcome: Outcome) -> str:
    """How many requests other versions of the policy decided, which ones, and what that means."""
    versions = outcome.other_versions
    many = f"{len(versions)} versions" if len(versions) > 1 else "a version"
    return (
        f"{number(sum(versions.values()))} requests were recorded under {many} of the policy that are not given here"
        f"{_listed(versions.items())}. Their levels, tags and names of models are as decided then: detectors and"
        " aliases of this policy are not asked anew, since no text is recorded"
    )


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


def when(at: float, timezone: ZoneInfo) -> str:
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
