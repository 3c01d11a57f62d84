"""A ledger that cannot be reached -> an observation. Each gateway tells it for itself: there is nothing they share."""

from __future__ import annotations

from router.core.alerts.observation import Observation, Seen


def observed(gateway: str, why: str, *, clouds_refused: bool, after: float, clear: float) -> Observation:
    """`why` is empty while it is there; `after` is how long it has to be lost, in seconds."""
    means = "Cloud backends are refused meanwhile" if clouds_refused else "Cloud backends go on meanwhile, uncounted"
    return Observation(
        key="ledger_lost",
        condition="ledger_lost",
        seen=Seen.BAD if why else Seen.GOOD,
        subject=gateway,
        severity="critical",
        title=f"The ledger is lost on {gateway}",
        text=f"{why.rstrip('.')}. {means}; own ones go on." if why else "It is there again.",
        hold=after,
        clear=clear,
    )
