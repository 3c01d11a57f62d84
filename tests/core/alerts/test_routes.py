"""Which target gets what, and when."""

from __future__ import annotations

from msgspec.structs import replace
from support.alerting import VARIABLE

from router.core.alerts.notices import Notice
from router.core.alerts.policy import Alerts
from router.core.alerts.routes import is_quiet, lanes_of, lanes_of_target, target_of, targets_of

HOOK = {"kind": "webhook", "url": "https://ops.example.com/x", "secret": f"env:{VARIABLE}"}
NOTICE = Notice(
    id="1", at=0, state="firing", condition="limit", severity="warning", subject="", title="", text="", since=0
)


def alerts(send=(), **quiet):
    targets = {name: HOOK | ({"quiet": quiet[name]} if name in quiet else {}) for name in ("ops", "boss")}
    return Alerts.model_validate({"targets": targets, "send": send})


def test_everything_goes_everywhere_where_nothing_is_said():
    assert lanes_of(NOTICE, alerts()) == ("ops", "boss")


def test_what_is_named_goes_where_it_is_named_once():
    given = alerts([{"when": ["limit"], "to": ["ops"]}, {"when": ["limit"], "to": ["ops", "boss"]}])
    assert targets_of("limit", given) == ("ops", "boss") and targets_of("another", given) == ()


def test_what_is_critical_does_not_wait_for_the_morning():
    given = alerts(boss="22-07")
    ordinary = lanes_of(NOTICE, given)
    assert (ordinary, lanes_of(replace(NOTICE, severity="critical"), given)) == (
        ("ops", "boss|later"),
        ("ops|first", "boss|first"),
    )
    assert [target_of(lane) for lane in ordinary] == ["ops", "boss"]
    assert [target_of(lane) for lane in lanes_of_target("ops")] == ["ops", "ops", "ops"]


def test_quiet_hours_go_over_midnight():
    assert [hour for hour in range(24) if is_quiet("boss|later", "22-07", hour)] == [0, 1, 2, 3, 4, 5, 6, 22, 23]
    assert not is_quiet("boss", "22-07", 23) and not is_quiet("boss|later", None, 23)
