"""How long starts of backends took, from what requests saw of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from statistics import median

from router.core.values import BackendState
from router.simulate.requests import RecordedRequest

_SURE = 0.3
"""How much of a start may be in doubt, as nobody asks all the time."""
Look = tuple[float, str]
"""When, and whether it was "off", "coming" or "on"."""


class Looks:
    """What requests saw of backends that are switched on and off: the looks before and after each change."""

    def __init__(self) -> None:
        self._changes: dict[str, list[Look]] = {}
        self._last: dict[str, Look] = {}

    def through(self, requests: Iterable[RecordedRequest]) -> Iterator[RecordedRequest]:
        """The same requests, each looked at on its way."""
        for each in requests:
            if each.states is not None:
                self._see(each.at, each.states)
            yield each

    def _see(self, at: float, states: Mapping[str, BackendState]) -> None:
        """A backend that is not noted is on. Of one that never was off nothing is kept."""
        off = [name for name, state in states.items() if state.off]
        for backend in dict.fromkeys((*self._last, *off)):
            look = at, _how(states.get(backend))
            last = self._last.get(backend)
            if last is None or last[1] != look[1]:
                self._changes.setdefault(backend, []).extend([look] if last is None else [last, look])
            self._last[backend] = look

    def seconds(self) -> Mapping[str, float]:
        """Of a start, by backend: the median of those that were seen from beginning to end.

        A start began between the last request that saw the backend off and the first that saw it coming, and was over
        between the last that saw it coming and the first that did not. The middles of these count, where they leave no
        more than `_SURE` of it in doubt.
        """
        found = {backend: [*_starts(sorted(looks))] for backend, looks in self._changes.items()}
        return {backend: median(starts) for backend, starts in found.items() if starts}


def _how(state: BackendState | None) -> str:
    if state is None or not state.off:
        return "on"
    return "coming" if state.coming else "off"


def _starts(looks: Sequence[Look]) -> Iterator[float]:
    began: tuple[float, float] | None = None
    for (before, was), (now, now_is) in pairwise(looks):
        if was == "off" and now_is == "coming":
            began = before, now
        elif was == "coming" and now_is == "on" and began is not None:
            doubt = (now - before + began[1] - began[0]) / 2
            middle = (before + now - sum(began)) / 2
            if doubt <= _SURE * middle:
                yield middle
            began = None
        elif now_is != "coming":
            began = None
