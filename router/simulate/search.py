"""The shape by which a simulated server takes as long as a backend took, for what it is given as that was.

Lines and means say how fast a backend is where it has room. Where requests wait in its queue, only the whole can be
compared: the simulated server gets the recorded requests at their recorded times, and what is looked for is the shape
that makes the mean of |ln(simulated / recorded)| least, over whole answers and over what streams took to begin; so an
error of a factor counts the same in both directions, and for short answers and long ones.

One parameter is changed at a time, by factors that get smaller: a pattern search (Hooke and Jeeves, "Direct Search"
Solution of Numerical and Statistical Problems, JACM 8(2), 1961, https://doi.org/10.1145/321062.321069).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from router.simulate.server_model import Server, Work
from router.simulate.shape import Shape
from router.simulate.virtual_time import VirtualTime

_FACTORS = (2.0, 1.4, 1.15, 1.05, 1.015)
_SMALL = (1.15, 1.05, 1.015)
_ROUNDS = 4
"""At most, for each factor."""
_WORTH = 0.95
"""What a bound has to make of the error to be one: traffic that never came to a bound says nothing of it."""
_BOUNDS = ("slots", "prefill", "decode")
_RATES = ("speed", "first_byte", "prefill", "decode")
_MOST_SLOTS = 10
"""Two to the power of which."""
_EACH = 32
"""Numbers of slots up to which each is tried."""
_TRIED = 6
"""Of these, the best that are improved."""
_SHORTEST = 0.001
"""Seconds: shorter than that is no figure of a backend, but of who measured it."""


class Observed(Struct, frozen=True, gc=False):
    """One answer of a backend. Seconds."""

    sent: float
    """When it was sent to the backend, since the epoch."""
    input: int
    """Tokens that no cache had."""
    kv: int
    """Input and output together."""
    output: int
    took: float
    """Until the answer's end."""
    first: float | None
    """Until its first byte; None of an answer that came as a whole."""


def played(shape: Shape, answers: Sequence[Observed]) -> list[tuple[float, float]]:
    """Seconds that each answer takes, and until it begins, at a simulated server of this shape. `answers` are in the
    order in which they were sent."""
    time = VirtualTime(answers[0].sent)
    ended: dict[int, float] = {}
    server = Server(shape, time, lambda work: ended.__setitem__(work.about, time.now))
    works = [Work(number, each.input, each.kv, each.output) for number, each in enumerate(answers)]
    for work, each in zip(works, answers, strict=True):
        time.until(each.sent)
        server.send(work)
    while time.next():
        pass
    return [(ended[work.about] - each.sent, work.began - each.sent) for work, each in zip(works, answers, strict=True)]


def error_of(shape: Shape, answers: Sequence[Observed], first: int = 0) -> float:
    """The mean of |ln(simulated / recorded)|: of each answer from the `first` on, and of the beginning of each stream.
    Those before are played, too: what waited then is there."""
    errors = []
    for each, (took, began) in list(zip(answers, played(shape, answers), strict=True))[first:]:
        errors.append(_apart(took, each.took))
        if each.first is not None:
            errors.append(_apart(began, each.first))
    return sum(errors) / len(errors)


def _apart(simulated: float, recorded: float) -> float:
    return abs(math.log(max(simulated, _SHORTEST) / max(recorded, _SHORTEST)))


def searched(known: Shape, answers: Sequence[Observed]) -> Shape:
    """Better than `known`, or as good: with other rates, slots, or none of them."""
    best = min(_begun(known, answers), key=lambda each: error_of(each, answers))
    best = _improved(best, answers)
    for bound in _BOUNDS:
        without = _improved(replace(best, **{bound: None}), answers, _FACTORS[2:])
        if error_of(without, answers) * _WORTH <= error_of(best, answers):
            best = without
    return best


def _begun(known: Shape, answers: Sequence[Observed]) -> Iterator[Shape]:
    """The best guess of each number of slots, improved in small steps. Where requests wait all the time, what a server
    takes too long for one adds up in all that wait behind it: the right number of slots is far off until its rates fit,
    while no slots and a late first byte look nearly right at once."""
    guesses: dict[int | None, list[tuple[float, int, Shape]]] = {}
    for number, guess in enumerate(_guesses(known, answers)):
        guesses.setdefault(guess.slots, []).append((error_of(guess, answers), number, guess))
    for _, _, guess in sorted(min(each) for each in guesses.values())[:_TRIED]:
        yield _improved(guess, answers, _SMALL, _RATES)


def _guesses(known: Shape, answers: Sequence[Observed]) -> Iterator[Shape]:
    """From where to look: what holds answers back is a matter of kind, and no small steps lead from one to another."""
    yield known
    begins = sorted(each.first for each in answers if each.first is not None)
    streams = [each for each in answers if each.first is not None] or answers  # of others waiting is not told apart
    rates = sorted(each.output / max(each.took - (each.first or 0.0), _SHORTEST) for each in streams)
    first_byte = begins[len(begins) // 50] if begins else min(each.took for each in answers) / 2
    written = sum(each.output for each in answers) / _busy(answers)
    powers = [2**power for power in range(min(_at_once(answers).bit_length(), _MOST_SLOTS))]
    slots = [None, *powers, *(3 * power for power in powers[:-1])]
    speeds = (rates[int(0.95 * len(rates))], rates[len(rates) // 2])
    for slot, prefill, decode, speed in itertools.product(slots, (300.0, 3_000.0, 30_000.0), (written, None), speeds):
        yield replace(known, speed=speed, first_byte=first_byte, slots=slot, prefill=prefill, decode=decode)
    every = dict.fromkeys((*range(1, min(_at_once(answers), _EACH) + 1), *powers))
    for slot, speed in itertools.product(every, speeds):
        yield replace(known, speed=speed, first_byte=_rest(slot, speed, answers), slots=slot, prefill=None, decode=None)


def _rest(slots: int, speed: float, answers: Sequence[Observed]) -> float:
    """What each answer takes besides writing, where all slots are at work as long as anything is: then the seconds of
    all answers make slots times those of the backend (the utilization law of queueing)."""
    each = slots * _busy(answers) / len(answers)
    return max(_SHORTEST, each - sum(answer.output - 1 for answer in answers) / len(answers) / speed)


def _busy(answers: Sequence[Observed]) -> float:
    """Seconds in which the backend had anything at work."""
    end = answers[0].sent
    busy = 0.0
    for each in answers:
        busy += max(0.0, each.sent + each.took - max(end, each.sent))
        end = max(end, each.sent + each.took)
    return max(busy, _SHORTEST)


def _at_once(answers: Sequence[Observed]) -> int:
    """The most answers that the backend had at work, or in its queue, at a time."""
    moments = [(each.sent, 1) for each in answers] + [(each.sent + each.took, -1) for each in answers]
    return max(itertools.accumulate(change for _, change in sorted(moments)))


def _improved(
    shape: Shape,
    answers: Sequence[Observed],
    factors: Sequence[float] = _FACTORS,
    names: Sequence[str] = ("speed", "first_byte", *_BOUNDS),
) -> Shape:
    best, least = shape, error_of(shape, answers)
    for factor in factors:
        for _ in range(_ROUNDS):
            before = least
            for name in names:
                for candidate in _beside(best, name, factor):
                    error = error_of(candidate, answers)
                    if error < least:
                        best, least = candidate, error
            if least == before:
                break
    return best


def _beside(shape: Shape, name: str, factor: float) -> Iterator[Shape]:
    value = getattr(shape, name)
    if not value:
        return
    if name == "slots":
        others = {math.floor(value / factor), value - 1, value + 1, math.ceil(value * factor)} - {value}
        yield from (replace(shape, slots=slots) for slots in sorted(others) if slots > 0)
        return
    for times in (factor, 1 / factor):
        yield replace(shape, **{name: value * times})
