"""What a policy says of alerts: where they are sent, which go where, and from when on something is one.

A new kind of target is a class and its name in `Target`, and an entry in `admin.alerts.targets.registry`.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

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


class SlackTarget(_TargetSection):
    """Gets text."""

    kind: Literal["slack"]
    """A channel of Slack."""
    url: Secret
    """Its incoming webhook, which is a secret: `env:NAME` or `file:PATH`."""


class TeamsTarget(_TargetSection):
    """Gets a card."""

    kind: Literal["teams"]
    """A channel of Microsoft Teams."""
    url: Secret
    """The webhook of a workflow that posts cards, which is a secret: `env:NAME` or `file:PATH`."""


class MailTarget(_TargetSection):
    """Gets mail, and the report of the week as HTML."""

    kind: Literal["mail"]
    """Mail by SMTP."""
    host: MailHost
    """The server that takes it."""
    port: Annotated[int, Field(ge=1, le=65_535)] = 587
    """Its port."""
    tls: Literal["starttls", "tls", "none"] = "starttls"
    """How the connection is secured: from its second step on, from the first, or not at all."""
    user: Annotated[str, Field(min_length=1, max_length=320)] | None = None
    """Who signs in there; nobody when left out."""
    password: Secret | None = None
    """With what, as `env:NAME` or `file:PATH`."""
    sender: MailAddress
    """From whom it comes."""
    to: tuple[MailAddress, ...] = Field(strict=False, min_length=1, max_length=50)
    """Who gets it."""

    @model_validator(mode="after")
    def _signs_in_safely(self) -> Self:
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password belong together: give both or neither")
        if self.password is not None and self.tls == "none":
            raise ValueError("a password would be readable on its way: set tls to starttls or tls")
        return self


class AppriseTarget(_TargetSection):
    """Gets text by whatever the library apprise speaks."""

    kind: Literal["apprise"]
    """Anything that apprise knows an address for, see https://appriseit.com."""
    url: Secret
    """Its address, which is a secret: `env:NAME` or `file:PATH`. `secrets` names the hosts that it leads to."""


class Send(Section):
    when: tuple[ConditionName, ...] = Field(min_length=1, strict=False)
    """Conditions."""
    to: Names = Field(min_length=1)
    """Targets that are told of them."""


class LimitAlerts(Section):
    shares: tuple[Share, ...] = Field(default=(0.5, 0.8, 1.0), strict=False, max_length=10)
    """Shares of a limit, by the day or the month, that are told when they are reached; 1 is the limit itself."""


class BackendDownAlerts(Section):
    after: Duration = 60.0
    """How long a backend has to be down before that is told."""


class LedgerLostAlerts(Section):
    after: Duration = 15.0
    """How long the ledger has to be lost before that is told."""


class GpuLosesAlerts(Section):
    days: Annotated[int, Field(ge=1, le=90)] = 7
    """Whole days that are looked back on."""
    usd: Money = 10.0
    """Loss over these days, in USD, from which it is told."""


class UnusualSpendAlerts(Section):
    factor: Annotated[float, Field(ge=1, le=100)] = 3.5
    """Times the usual spread that an hour has to depart from its median."""
    usd: Money = 5.0
    """USD that it has to depart by at least."""


Target = Annotated[WebhookTarget | SlackTarget | TeamsTarget | MailTarget | AppriseTarget, Field(discriminator="kind")]


class WeeklyReport(Section):
    day: Day = "mon"
    """Day of the week on which it is sent, of the policy's time zone."""
    hour: Annotated[int, Field(ge=0, le=23)] = 8
    """Hour at which it is sent."""
    to: Names = Field(min_length=1)
    """Targets that get it."""


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
    backend_down: BackendDownAlerts = BackendDownAlerts()
    """Backends that no worker can reach."""
    ledger_lost: LedgerLostAlerts = LedgerLostAlerts()
    """A ledger that cannot be reached."""
    gpu_loses: GpuLosesAlerts = GpuLosesAlerts()
    """Own GPUs that cost more than they spare."""
    unusual_spend: UnusualSpendAlerts = UnusualSpendAlerts()
    """Hours in which the cloud charges more, or less, than it usually does at that time of the week."""
    report: WeeklyReport | None = None
    """The report of each week; none when left out."""
