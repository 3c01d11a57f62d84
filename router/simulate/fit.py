"""How fast backends are, from records of what they did; and how far what is made of that is from what they did.

    first_byte, prefill   a line through (input that no cache had, seconds from sending to the first byte)
    speed, decode         seconds per token of output, by how many requests ran there at once: one writes at `speed` as
                          long as few do, and all together write at `decode` when many do

Every fifth answer is left out of the fit: by those the error is told. Of the others sums are kept, and no answer.
Where requests waited in a backend's own queue these say too little: then a `search` by the latest answers finds slots
and rates together, and the error is that of the answers behind them, which it did not see. What a start took is what
requests saw of it, see `start_times`. Only streams say when an answer began; the others count in the search.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from heapq import heappop, heappush
from random import Random

from msgspec import Struct
from msgspec.structs import replace

from router.simulate.requests import RecordedRequest
from router.simulate.search import Observed, error_of, played, searched
from router.simulate.shape import Shape
from router.simulate.start_times import Looks

LEAST_ANSWERS = 50
_KEPT = 5000
_LEFT_OUT = 5
_LATEST = 500
"""Answers by which is searched, and by which the search is judged: the last fifth of them."""
_FAR = 0.08
"""The mean of |ln(simulated / recorded)| from which what sums say is too little."""
_BY_FAR = 0.5
_FEW = 0.05
"""Share of answers that a quiet or a busy time has to have, to be more than chance."""
_SLOWER = 1.15
"""So many times as long a token has to take when it is busy, for it to be a bound."""


class Fitted(Struct, frozen=True):
    backend: str
    shape: Shape
    answers: int
    """That it was made of."""
    half_within: float
    """Share by which what it says of half of the answers that were left out differs, at most, from how long they
    took."""
    most_within: float
    """The same of 95 in 100."""


class _Line:
    """Least squares, from sums alone."""

    def __init__(self) -> None:
        self.count = self.x = self.y = self.xx = self.xy = 0.0

    def add(self, x: float, y: float) -> None:
        self.count += 1
        self.x += x
        self.y += y
        self.xx += x * x
        self.xy += x * y

    def through(self) -> tuple[float, float]:
        """Where it begins, and how fast it rises; level where all x are the same, or where it would fall."""
        spread = self.count * self.xx - self.x * self.x
        rise = (self.count * self.xy - self.x * self.y) / spread if spread > 1e-9 else 0.0
        if rise <= 0:
            return self.y / self.count, 0.0
        begin = (self.y - rise * self.x) / self.count
        return (begin, rise) if begin >= 0 else (0.0, self.xy / self.xx)


class _Seen:
    """What was seen of one backend."""

    def __init__(self, seed: int) -> None:
        self.answers = 0
        self.reading = _Line()
        self.tokens: dict[int, list[float]] = {}
        """By how many ran: answers, tokens and seconds."""
        self.kept: list[tuple[int, int, int, float]] = []
        """Some of those left out: uncached input, output, how many ran, and seconds."""
        self.latest: deque[Observed] = deque(maxlen=_LATEST)
        self._ends: list[float] = []
        self._left_out = 0
        self._draw = Random(seed)

    def look(self, request: RecordedRequest, sent: float, first_byte: float | None, seconds: float) -> None:
        first = None if first_byte is None else first_byte - sent
        fresh, kv = request.input - request.cached, request.input + request.output
        self.latest.append(
            Observed(
                sent=request.at + sent, input=fresh, kv=kv, output=request.output, took=seconds - sent, first=first
            )
        )

    def add(self, request: RecordedRequest, sent: float, first_byte: float, seconds: float) -> None:
        begin, end = request.at + sent, request.at + seconds
        while self._ends and self._ends[0] <= begin:
            heappop(self._ends)
        heappush(self._ends, end)
        running, fresh = len(self._ends), request.input - request.cached
        self.answers += 1
        if self.answers % _LEFT_OUT == 0:
            self._keep((fresh, request.output, running, seconds - sent))
            return
        self.reading.add(fresh, first_byte - sent)
        if request.output > 1 and seconds > first_byte:
            figures = self.tokens.setdefault(running, [0.0, 0.0, 0.0])
            figures[0] += 1
            figures[1] += request.output - 1
            figures[2] += seconds - first_byte

    def _keep(self, answer: tuple[int, int, int, float]) -> None:
        """Each that was left out is as likely to be kept as any other."""
        self._left_out += 1
        if len(self.kept) < _KEPT:
            self.kept.append(answer)
            return
        place = self._draw.randrange(self._left_out)
        if place < _KEPT:
            self.kept[place] = answer

    def shape(self, known: Shape) -> Shape:
        begin, rise = self.reading.through()
        speed, decode = self._writing(known.speed)
        return replace(known, first_byte=begin, prefill=1 / rise if rise else None, speed=speed, decode=decode)

    def _writing(self, known: float) -> tuple[float, float | None]:
        if not self.tokens:
            return known, None
        least = _quiet(self.tokens)
        busy = [(running, each) for running, each in self.tokens.items() if each[2] > _SLOWER * least * each[1]]
        if sum(each[0] for _, each in busy) < _FEW * sum(each[0] for each in self.tokens.values()):
            return 1 / least, None
        tokens, seconds = sum(each[1] for _, each in busy), sum(each[2] for _, each in busy)
        beside = sum(running * each[2] for running, each in busy) / seconds
        return 1 / least, beside * tokens / seconds


def _quiet(tokens: Mapping[int, list[float]]) -> float:
    """Seconds per token while as few ran as did for long enough to tell."""
    whole = sum(each[0] for each in tokens.values())
    answers = made = seconds = 0.0
    for running in sorted(tokens):
        count, some, took = tokens[running]
        answers, made, seconds = answers + count, made + some, seconds + took
        if answers >= _FEW * whole:
            break
    return seconds / made


class TooFewAnswers(ValueError):
    """There is nothing to fit to, and what would be right."""


def fit(requests: Iterable[RecordedRequest], known: Mapping[str, Shape]) -> list[Fitted]:
    """Of each of the `known` backends that the requests, in the order of their arrival, tell enough of.

    Raises TooFewAnswers when there is none.
    """
    seen: dict[str, _Seen] = {}
    others = Counter[str]()
    looks = Looks()
    for request in looks.through(requests):
        backend, first_byte, seconds = request.decided, request.first_byte, request.seconds
        if backend is None or seconds is None or not request.output:
            continue
        if backend not in known:
            others[backend] += 1
            continue
        sent = request.sent or 0.0
        if not sent <= (seconds if first_byte is None else first_byte) <= seconds:
            continue
        found = seen.get(backend)
        if found is None:
            found = seen[backend] = _Seen(len(seen))
        found.look(request, sent, first_byte, seconds)
        if first_byte is not None:
            found.add(request, sent, first_byte, seconds)
    starts = looks.seconds()
    fitted = [
        _fitted(name, each, replace(known[name], start=starts.get(name, known[name].start)))
        for name, each in seen.items()
        if max(each.answers, len(each.latest)) >= LEAST_ANSWERS
    ]
    if not fitted:
        raise TooFewAnswers(_too_few(seen, known, others))
    return fitted


def _too_few(seen: Mapping[str, _Seen], known: Mapping[str, Shape], others: Mapping[str, int]) -> str:
    counts = {name: max(seen[name].answers, len(seen[name].latest)) if name in seen else 0 for name in known}
    told = ", ".join(f"{name} has {count}" for name, count in counts.items())
    beside = f"; others there that the policy does not have: {', '.join(sorted(others)[:10])}" if others else ""
    return (
        f"a fit takes {LEAST_ANSWERS} answers of a backend, with output and with the time of their end, and {told} of"
        f" them{beside}. Take more records that `breakeven export` wrote, or give what is known with --backend"
    )


def _fitted(name: str, seen: _Seen, known: Shape) -> Fitted:
    streamed = seen.answers >= LEAST_ANSWERS
    shape = seen.shape(known) if streamed else known
    answers = sorted(seen.latest, key=lambda each: each.sent)
    first = len(answers) - len(answers) // _LEFT_OUT
    if not streamed or error_of(shape, answers[:first]) > _FAR:
        found = searched(shape, answers[:first])
        if not streamed or _is_better(found, shape, answers, first):
            return _searched(name, seen, found, answers, first)
    errors = sorted(abs(expected(shape, *answer[:3]) - answer[3]) / max(answer[3], 1e-3) for answer in seen.kept)
    half, most = errors[len(errors) // 2], errors[int(0.95 * (len(errors) - 1))]
    return Fitted(name, shape, seen.answers, half, most)


def _is_better(found: Shape, shape: Shape, answers: Sequence[Observed], first: int) -> bool:
    """By answers that neither saw; or by far by those that both saw: where requests wait all the time, what a server
    takes too long for one adds up, so that the right shape is off in the end, too."""
    seen = answers[:first]
    if error_of(found, seen) < _BY_FAR * error_of(shape, seen):
        return True
    return error_of(found, answers, first) < error_of(shape, answers, first)


def _searched(name: str, seen: _Seen, shape: Shape, answers: Sequence[Observed], first: int) -> Fitted:
    both = list(zip(answers, played(shape, answers), strict=True))[first:]
    errors = sorted(abs(took - each.took) / max(each.took, 1e-3) for each, (took, _) in both)
    half, most = errors[len(errors) // 2], errors[int(0.95 * (len(errors) - 1))]
    return Fitted(name, shape, max(seen.answers, len(seen.latest)), half, most)


def expected(shape: Shape, input: int, output: int, running: int) -> float:
    """Seconds of an answer beside which others run all the time, none of which read."""
    speed = shape.speed if shape.decode is None else min(shape.speed, shape.decode / running)
    reading = 0.0 if shape.prefill is None else input / shape.prefill
    return shape.first_byte + reading + max(0, output - 1) / speed


def told(fitted: Fitted) -> str:
    shape = fitted.shape
    known = {name: getattr(shape, name) for name in shape.__struct_fields__}
    settings = [f"{name}={_short(value)}" for name, value in known.items() if value is not None]
    return (
        f"fitted to {fitted.answers:,} answers of {fitted.backend}: {','.join(settings)}; of those left out of the fit,"
        f" half took what it says within {fitted.half_within:.0%}, and 95 % within {fitted.most_within:.0%}"
    )


def _short(value: float) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
