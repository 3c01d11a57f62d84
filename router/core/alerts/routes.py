"""A notice -> the lanes that it goes into. What is critical has one of its own, so that it waits for nothing else; and
of a target with quiet hours one waits until they are over."""

from __future__ import annotations

from router.core.alerts.notices import Notice
from router.core.alerts.policy import Alerts
from router.core.decision.rules import within

LATER = "|later"
FIRST = "|first"
"""No target's name has these."""


def lanes_of(notice: Notice, alerts: Alerts) -> tuple[str, ...]:
    return tuple(_lane(name, notice, alerts) for name in targets_of(notice.condition, alerts))


def targets_of(condition: str, alerts: Alerts) -> tuple[str, ...]:
    """All of them where nothing is said of any condition."""
    if not alerts.send:
        return tuple(alerts.targets)
    named = [name for each in alerts.send if condition in each.when for name in each.to]
    return tuple(dict.fromkeys(named))


def _lane(name: str, notice: Notice, alerts: Alerts) -> str:
    if notice.severity == "critical":
        return name + FIRST
    target = alerts.targets.get(name)
    return name + LATER if target is not None and target.quiet is not None else name


def lanes_of_target(name: str) -> tuple[str, ...]:
    """What is critical first."""
    return name + FIRST, name, name + LATER


def target_of(lane: str) -> str:
    return lane.removesuffix(LATER).removesuffix(FIRST)


def is_quiet(lane: str, hours: str | None, hour: int) -> bool:
    """Whether the lane waits at this hour of the day. `hours` is such as "22-07"."""
    if hours is None or not lane.endswith(LATER):
        return False
    return within(hours, hour)
