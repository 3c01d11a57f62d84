"""Eligible tokens by quarter of an hour, ready for the next decision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from zoneinfo import ZoneInfo

from router.core.cost.volume import DAY_QUARTERS, Span, edge_weight, span_of, with_edge
from router.core.policy import Window
from router.core.values import Mixture

Tokens = tuple[int, int, int]
"""Uncached input, cached input, output."""

_KEPT_QUARTERS = 4 * DAY_QUARTERS
_NOTHING: Tokens = (0, 0, 0)


class _Sum:
    """A window's whole buckets, kept up to date while its span holds."""

    def __init__(self, span: Span, mix: Mixture) -> None:
        self.span = span
        self.mix = mix

    def add(self, quarter: int, tokens: Tokens) -> None:
        if self.span.first <= quarter < self.span.end:
            mix = self.mix
            self.mix = Mixture(mix.input + tokens[0], mix.cached + tokens[1], mix.output + tokens[2])


class VolumeTracker:
    """What the server counted last, plus this process's own settlements that it has not answered yet.

    A settlement counts from `add` on; `answered` takes it out again when the server's figure, which includes it
    and those of all other workers, arrives. `seen` costs about a microsecond.
    """

    def __init__(self, timezone: ZoneInfo) -> None:
        self._timezone = timezone
        self._counted: dict[int, Tokens] = {}
        self._own: dict[int, Tokens] = {}
        self._sums: dict[Window, _Sum] = {}

    def seen(self, window: Window, now: float) -> Mixture:
        """Eligible tokens in a window."""
        kept = self._sums.get(window)
        if kept is None or not kept.span.since <= now < kept.span.until:
            kept = self._sum(window, now)
        if not kept.span.edge:
            return kept.mix
        oldest = self._tokens(kept.span.first - 1)
        return kept.mix if oldest == _NOTHING else with_edge(kept.mix, Mixture(*oldest), edge_weight(now))

    def add(self, quarter: int, tokens: Tokens) -> None:
        """Counts a settlement of this process before the server has."""
        own = self._own.get(quarter)
        self._own[quarter] = tokens if own is None else _plus(own, tokens)
        for kept in self._sums.values():
            kept.add(quarter, tokens)

    def answered(self, own: Mapping[int, Tokens], counted: Sequence[int]) -> None:
        """Takes a batch's answer.

        `own` are the batch's settlements as they were added; `counted` are the server's new figures, flat: quarter,
        uncached input, cached input, output, and so on.
        """
        before = {q: self._tokens(q) for q in {*own, *counted[::4]}}
        for quarter, tokens in own.items():
            self._take_out(quarter, tokens)
        self._counted.update(_by_quarter(counted))
        for quarter, was in before.items():
            self._changed(quarter, was)

    def load(self, counted: Sequence[int]) -> None:
        """Replaces all the server's figures, and forgets buckets that no window reaches any more."""
        self._counted = dict(_by_quarter(counted))
        self._sums.clear()

    def retime(self, timezone: ZoneInfo) -> None:
        """Days begin and end elsewhere from now on."""
        self._timezone = timezone
        self._sums.clear()

    def _tokens(self, quarter: int) -> Tokens:
        counted = self._counted.get(quarter, _NOTHING)
        own = self._own.get(quarter)
        return counted if own is None else _plus(counted, own)

    def _take_out(self, quarter: int, tokens: Tokens) -> None:
        left = _plus(self._own.get(quarter, _NOTHING), (-tokens[0], -tokens[1], -tokens[2]))
        if left == _NOTHING:
            self._own.pop(quarter, None)
        else:
            self._own[quarter] = left

    def _changed(self, quarter: int, was: Tokens) -> None:
        new = self._tokens(quarter)
        if new != was:
            change = (new[0] - was[0], new[1] - was[1], new[2] - was[2])
            for kept in self._sums.values():
                kept.add(quarter, change)

    def _sum(self, window: Window, now: float) -> _Sum:
        span = span_of(window, now, self._timezone)
        self._forget_before(span.first - _KEPT_QUARTERS)
        before = self._sums.get(window)
        if before is not None and before.span.first <= span.first <= before.span.end <= span.end:
            come, gone = range(before.span.end, span.end), range(before.span.first, span.first)
            mix = _less(_more(before.mix, self._between(come)), self._between(gone))
        else:
            mix = self._between(range(span.first, span.end))
        kept = self._sums[window] = _Sum(span, mix)
        return kept

    def _between(self, quarters: range) -> Mixture:
        found = [self._tokens(quarter) for quarter in quarters]
        return Mixture(sum(each[0] for each in found), sum(each[1] for each in found), sum(each[2] for each in found))

    def _forget_before(self, quarter: int) -> None:
        self._counted = {q: tokens for q, tokens in self._counted.items() if q >= quarter}


def _plus(a: Tokens, b: Tokens) -> Tokens:
    return a[0] + b[0], a[1] + b[1], a[2] + b[2]


def _more(one: Mixture, other: Mixture) -> Mixture:
    return Mixture(one.input + other.input, one.cached + other.cached, one.output + other.output)


def _less(one: Mixture, other: Mixture) -> Mixture:
    return Mixture(one.input - other.input, one.cached - other.cached, one.output - other.output)


def _by_quarter(flat: Sequence[int]) -> Iterable[tuple[int, Tokens]]:
    for i in range(0, len(flat), 4):
        yield flat[i], (flat[i + 1], flat[i + 2], flat[i + 3])
