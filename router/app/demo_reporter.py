"""What `breakeven demo` says while the day passes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from router.core.cost.breakeven import break_even, shares
from router.core.cost.preference import BreakEven
from router.core.cost.worth import sentence, tokens
from router.core.values import Mixture, Plan
from router.simulate.replay import Answered

HOUR = 3600.0
HEADING = " time   tokens so far    break-even    to the cloud    to the GPU   (of these restricted)"


class DemoReporter:
    """Counts what the gateway's answers say, prints a line for every hour, and says when the GPU is switched on."""

    def __init__(self, plan: Plan, say: Callable[[str], None]) -> None:
        self._plan = plan
        self._say = say
        self._hour = 1
        self._seen = Mixture()
        self._lately: Counter[str] = Counter()
        self._failed: Counter[int] = Counter()
        self._restricted_out = 0
        self.answers = 0
        self.switched_on = False

    def hear(self, answer: Answered) -> None:
        while answer.ask.at >= self._hour * HOUR:
            self._tell_hour()
        if answer.status != 200:
            self._failed[answer.status] += 1
            return
        self._count(answer)
        if answer.reason == "gpu-on" and not self.switched_on:
            self.switched_on = True
            self._say(
                f"{_clock(answer.ask.at)}  SWITCHED ON after {tokens(self._seen.total)} tokens: from now on the GPU"
                " answers what may go either way, since one request more costs nothing there."
            )

    def begin(self) -> None:
        self._say(HEADING)

    def end(self) -> None:
        """The hours that are left, and what came of the day."""
        while self._hour <= 24:
            self._tell_hour()
        self._say(f"The day is over: {self.answers:,} requests answered. {sentence(self._terms(), self._seen.total)}")
        self._say(
            "No restricted request left the GPU."
            if not self._restricted_out
            else f"{self._restricted_out} restricted requests LEFT THE GPU."
        )
        if self._failed:
            parts = ", ".join(f"{count:,} with {status or 'no answer'}" for status, count in self._failed.items())
            self._say(f"Not answered: {parts}.")

    def _count(self, answer: Answered) -> None:
        self.answers += 1
        self._seen = Mixture(self._seen.input + answer.input, 0, self._seen.output + answer.output)
        self._lately[answer.zone] += 1
        if answer.level == "restricted":
            self._lately["restricted"] += 1
            self._restricted_out += answer.zone != "local"

    def _tell_hour(self) -> None:
        lately = self._lately
        self._say(
            f"{self._hour:>2}:00 {tokens(self._seen.total):>15} {self._line():>13} "
            f"{lately['cloud']:>15,} {lately['local']:>13,} {lately['restricted']:>12,}"
        )
        self._hour += 1
        lately.clear()

    def _terms(self) -> BreakEven:
        plan = self._plan
        cloud = plan.cloud_reference.at(0)
        assert cloud is not None
        return break_even(plan.gpu, cloud, shares(self._seen, plan.policy.cost.mix))

    def _line(self) -> str:
        needed = self._terms().tokens_per_day
        return "never" if needed is None else tokens(needed)


def _clock(at: float) -> str:
    return f"{int(at // HOUR):>2}:{int(at % HOUR // 60):02}"
