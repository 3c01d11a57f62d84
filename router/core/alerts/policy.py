"""What a policy says of alerts: where they are sent, which go where, and from when on something is one.

A new kind of target is a class and its name in `Target`, and an entry in `admin.alerts.targets.registry`.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, WithJsonSchema

from router.core.alerts.observation import ConditionName
from router.core.policy_fields import Duration, Hours, Name, Names, Secret, Section, TimeLimit, check_url

_REFERENCE = re.compile(r"(env|file):.+")
_SHOWN_URL = r"^(https?://[^\s/?#@]+(/[^\s#]*)?|(env|file):.+)$"


def _check_place(value: str) -> str:
    """The value is left out of the message: it may be a secret."""
    if _REFERENCE.fullmatch(value):
        return value
    if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s#]*)?", value):
        raise ValueError("a target is an address such as https://ops.example.com/hook, or env:NAME or file:PATH")
    return check_url(value)


PlaceUrl = Annotated[str, AfterValidator(_check_place), WithJsonSchema({"type": "string", "pattern": _SHOWN_URL})]
"""An address, or where one is kept that is a secret itself."""
MailAddress = Annotated[str, Field(pattern=r"^[^\s@<>,;\"]+@[A-Za-z0-9.\[\]:-]+$", max_length=254)]
MailHost = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]+$", max_length=253)]
Share = Annotated[float, Field(gt=0, le=1)]
Money = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class _TargetSection(Section):
    """Base of all kinds."""

    timeout: TimeLimit = 10.0
    """Longest wait for its answer."""
    quiet: Hours | None = None
    """Hours of the policy's time zone in which it gets only what is critical, such as 22-07; the rest comes later."""
    private: bool = False
    """Whether its name may lead into one's own network; an address that is written here itself, instead, always may."""

    def secrets(self) -> tuple[tuple[str, str], ...]:
        """Settings that say where a secret is kept, and what they say."""
        given = ((name, getattr(self, name, None)) for name in ("url", "secret", "password"))
        return tuple((name, value) for name, value in given if value is not None and _REFERENCE.fullmatch(value))


class WebhookTarget(_TargetSection):
    """Gets JSON, signed."""

    kind: Literal["webhook"]
    """JSON to an address of one's own, signed."""
    url: PlaceUrl
    """Where it is sent: an address, or `env:NAME` or `file:PATH` where one is kept that is a secret."""
    secret: Secret
    """What messages are signed with, as `env:NAME` or `file:PATH`."""


class Send(Section):
    when: tuple[ConditionName, ...] = Field(min_length=1, strict=False)
    """Conditions."""
    to: Names = Field(min_length=1)
    """Targets that are told of them."""


class LimitAlerts(Section):
    shares: tuple[Share, ...] = Field(default=(0.5, 0.8, 1.0), strict=False, max_length=10)
    """Shares of a limit, by the day or the month, that are told when they are reached; 1 is the limit itself."""


Target = Annotated[WebhookTarget, Field()]


class Alerts(Section):
    targets: dict[Name, Target] = Field(min_length=1)
    """Where alerts are sent."""
    send: tuple[Send, ...] = Field(default=(), strict=False)
    """Which conditions go to which targets; all to all when left out."""
    group: Duration = 10.0
    """How long a message waits for others that belong into it."""
    clear: Duration = 60.0
    """How long something has to be well before that is told."""
    limits: LimitAlerts = LimitAlerts()
    """Limits that fill up."""
