"""What the API says.

Money is in micro-USD, to the thousandth, unless a name says otherwise; times are seconds since the epoch; days are
local dates (YYYY-MM-DD) of the policy's time zone. Names of models, teams and keys come from outside: they are text,
never markup.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct, field

from router.admin.auth.roles import Role
from router.admin.record_type import OwnRecord, RequestRecord
from router.core.limits.measures import MeasureName, Period


class Trouble(Struct, frozen=True):
    """Why a request was refused."""

    code: str
    message: str
    """For people: what is wrong and what to do."""
    version: str = ""
    """Of the policy in force, when the one that a write expected is not."""
    problems: list[PolicyProblem] = []


class Refused(Struct, frozen=True):
    error: Trouble


class Health(Struct, frozen=True):
    status: Literal["ok"] = "ok"


class Session(Struct, frozen=True):
    role: Role
    csrf: str = ""
    """To send as `x-csrf-token` with every write; empty for a bearer token, which needs none."""
    expires: float | None = None
    version: str = ""
    """Of Breakeven."""
    simulated: bool = False
    """The backends only pretend: nothing that is shown was paid."""
    user: str = ""
    """Their name; empty for a token, which is nobody's."""


class SignInWays(Struct, frozen=True):
    provider: str = ""
    """What people sign in with beside tokens, as they call it; empty when there is nothing else."""
    begin: str = ""
    """The address to go to for that."""
    trouble: str = ""
    """Why that cannot work now."""
    signed_in: bool = False
    onward: str = "/"
    """The page that was wanted, a path of the dashboard."""


# --- spend


class Figures(Struct, frozen=True, kw_only=True):
    """Totals of the ledger."""

    requests: int = 0
    errors: int = 0
    input: int = 0
    """All input tokens, the cached ones included."""
    cached: int = 0
    output: int = 0
    cost_micro_usd: float = 0
    """What it cost; for own backends their variable cost, without rent."""
    counterfactual_micro_usd: float = 0
    """What the other side would have charged."""
    estimated: int = 0
    """Requests whose tokens were estimated."""
    unsettled: int = 0
    """Requests charged as held because nobody settled them."""
    unheld: int = 0
    """Requests that went on without a hold, because the ledger was lost."""
    eligible_tokens: int = 0
    """Of requests that both sides could have served."""
    cloud_value_micro_usd: float = 0
    """What the cloud charged or would have charged for these."""
    captive: int = 0
    """Requests that could not leave."""
    captive_tokens: int = 0
    captive_cost_micro_usd: float = 0
    """The part of the cost that is theirs."""
    local_tokens: int = 0
    """Input and output in zones that are owned."""
    cloud_tokens: int = 0
    cloud_alone_micro_usd: float | None = 0
    """What the cloud would have charged for all that could have gone there; None without a cloud price to compare."""
    bought_micro_usd: float = 0
    """What was paid by the token for this, in the cloud and as variable cost."""
    not_bought_micro_usd: float | None = 0
    """Cloud alone minus bought."""
    rent_micro_usd: float = 0
    """Of own backends: in a total all of it, else the share of the time in which they worked."""
    net_micro_usd: float | None = 0
    """Cloud alone minus bought minus rent: above zero it was saved, below it lost."""


class CouldNotLeave(Struct, frozen=True, kw_only=True):
    """Requests that only own backends may serve; they are no part of what is saved or lost."""

    requests: int
    tokens: int
    cost_micro_usd: float
    """Variable cost of serving them."""
    rent_micro_usd: float
    """Their share of the rent, by tokens."""


class SpendRow(Figures, frozen=True, kw_only=True):
    name: str
    zone: str = ""
    """Of a backend."""
    local: bool = False
    """Of a backend or zone: whether it is owned."""


class Point(Struct, frozen=True, kw_only=True):
    """One hour or day of the series; those without traffic are there too, with zeros."""

    at: float
    """When it begins."""
    day: str
    local_tokens: int = 0
    cloud_tokens: int = 0
    requests: int = 0
    cost_micro_usd: float = 0
    counterfactual_micro_usd: float = 0
    cloud_alone_micro_usd: float | None = 0
    rent_micro_usd: float | None = None
    """None for an hour: rent is counted by day."""


class Forecast(Struct, frozen=True, kw_only=True):
    """Of this month, to its last day, as its days and those before it go, from the first one with traffic on."""

    day: str
    """The month's last."""
    bought_micro_usd: float
    rent_micro_usd: float
    cloud_alone_micro_usd: float | None
    net_micro_usd: float | None
    net_low_micro_usd: float | None
    """Nine times in ten it ends above this; None where there is too little to tell."""
    net_high_micro_usd: float | None


class Spend(Struct, frozen=True, kw_only=True):
    first: str
    last: str
    timezone: str
    by: str
    teams: list[str] = []
    """Whose alone it is; empty for all."""
    total: Figures
    rent_unused_micro_usd: float | None
    """The part of the rent in which units did not work: it has no team. None for a filtered view."""
    could_not_leave: CouldNotLeave
    rows: list[SpendRow]
    """Dearest first."""
    step: Literal["hour", "day"]
    series: list[Point]
    lines: Lines
    forecast: Forecast | None = None
    """For a range that is this month so far."""
    choices: Choices
    unknown: list[str]
    """A sentence for each name that was asked for and that is none of the choices: it may be misspelt."""
    dimensions: list[str] = []
    """What spend can be told apart by besides, since the policy has records keep it."""
    notes: list[str] = []
    """How far the rows tell what they are by, where they are counted from the request records."""


class Lines(Struct, frozen=True, kw_only=True):
    """To draw into the series, in tokens a day; None where there is none."""

    threshold_tokens_per_day: int | None = None
    """Where the policy's strategy is `threshold`."""
    break_even_tokens_per_day: float | None = None
    capacity_tokens_per_day: float | None = None


class Choices(Struct, frozen=True, kw_only=True):
    """Names to choose filters from: those of the policy, of stored keys, and of what was counted in the range."""

    backends: list[str]
    zones: list[str]
    models: list[str]
    teams: list[str]
    keys: list[str]


# --- worth it?


class WorthPeriod(Struct, frozen=True, kw_only=True):
    """Some days: net = cloud alone - bought - rent, in micro-USD."""

    first: str
    last: str
    requests: int
    cloud_alone_micro_usd: float | None
    """What the cloud alone would have charged for what could have gone there; None where there is no cloud price."""
    bought_micro_usd: float
    """What it did charge, and the variable cost of own backends."""
    not_bought_micro_usd: float | None
    """The difference."""
    rent_micro_usd: float
    rent_busy_micro_usd: float
    """The part of it for time in which requests ran."""
    rent_idle_micro_usd: float
    """The rest of it: idle, starting, stopping, and what billing steps round up."""
    net_micro_usd: float | None
    """Above zero it was saved, below it lost."""
    sentence: str


class NetForecast(Struct, frozen=True, kw_only=True):
    """Of this month's net, to its last day."""

    day: str
    likely_micro_usd: float
    low_micro_usd: float | None
    """Nine times in ten it ends above this; None where there is too little to tell."""
    high_micro_usd: float | None


class DemandHour(Struct, frozen=True, kw_only=True):
    at: float
    """When it begins."""
    tokens: int
    """That both sides could have served, whoever did."""
    local_tokens: int
    cloud_usd: float
    """What the cloud charged, or would have charged, for them."""
    units_on: float
    """Units that were on, as a mean over the hour; where nobody switches them while a gateway ran."""


class UnitSwitch(Struct, frozen=True, kw_only=True):
    at: float
    backend: str
    units: int
    """That there were to be."""
    before: str
    after: str
    """Phases."""
    reason: str
    explanation: str
    who: str


class Supposed(Struct, frozen=True, kw_only=True):
    """A month of 30 days with the last week's traffic, under some terms; money in USD."""

    sentence: str
    usd_per_hour: float
    """Rent of one unit."""
    volume: float
    units: int
    cloud_alone_usd: float
    bought_usd: float
    rent_usd: float
    net_usd: float
    unit_hours: float
    tokens_per_day: float
    """That both sides could have served, as a mean over the hours that it is computed from."""
    from_hours: int
    """Hours with traffic that all this is computed from: those of the last week since the first one."""
    extrapolated_day: bool
    """They are fewer than a day has: nobody has seen a whole day yet, and even `tokens_per_day` is extrapolated."""


class WorthAnswer(Struct, frozen=True, kw_only=True):
    sentence: str
    """The answer in words."""
    past_gpu: str
    """What it costs to send tokens to the cloud past a GPU whose rent runs; empty where that is not done."""
    timezone: str
    this_month: WorthPeriod
    last_month: WorthPeriod | None
    """None where nothing was used."""
    forecast: NetForecast | None
    """None before a day with traffic is over."""
    could_not_leave: CouldNotLeave
    """This month."""
    hours: list[DemandHour]
    """The last seven days."""
    switches: list[UnitSwitch]
    """In these days, the latest first."""
    now: Supposed
    """Under the terms in force: where the sliders begin."""


# --- break-even


class Share(Struct, frozen=True):
    input: float
    cached: float
    output: float


class Term(Struct, frozen=True):
    """One term of N* = F / (c - v)."""

    symbol: str
    name: str
    value: float | None
    unit: str


class BreakEvenAnswer(Struct, frozen=True, kw_only=True):
    sentence: str
    """The answer in words."""
    past_gpu: str
    """What it costs to send tokens to the cloud past a GPU whose rent runs; empty where that is not done."""
    fixed_usd_per_day: float
    cloud_usd_per_million: float | None
    """Blended over the mix; None when no model is served by both sides."""
    local_usd_per_million: float
    """Variable cost."""
    break_even_tokens_per_day: float | None
    """None when it never breaks even."""
    reachable: bool
    capacity_tokens_per_day: float | None
    """None when the policy does not say what the GPUs can serve."""
    load: float | None
    """The last 24 hours' eligible volume as a share of the capacity."""
    today_tokens: int
    """Eligible tokens since midnight: of models that both sides serve."""
    trailing_tokens: int
    """Eligible tokens of the last 24 hours."""
    window: str
    window_tokens: int
    """What the policy's strategy looks at."""
    mix: Share
    mix_is_assumed: bool
    price_is_assumed: bool
    """There is too little traffic to tell its own price: the cheapest cloud route's counts, for this mix."""
    """True while there is too little traffic to tell; the policy's mix is used."""
    gpu_usd_per_day: float
    """At the last 24 hours' volume: rent and variable cost."""
    cloud_usd_per_day: float | None
    """The same volume, bought."""
    strategy: str
    threshold_tokens_per_day: int | None
    band: str | None
    """Where the volume lies: above, hysteresis or below; None where the strategy does not look at it."""
    formula: str
    terms: list[Term]


# --- operations


class BudgetUse(Struct, frozen=True, kw_only=True):
    """One limit and its counter. `measure` gives the unit: micro-USD, tokens, requests."""

    scope: str
    """`global`, `team:NAME` or `key:NAME`."""
    side: Literal["all", "local", "cloud"] = "all"
    model: str = ""
    """Empty for all."""
    measure: MeasureName
    period: Period
    amount: float
    used: float
    held: float
    """By requests under way."""
    risk: float = 0
    """What running requests may exceed their holds by."""
    left: float
    soft: float | None = None
    """Share of the amount from which clients are warned."""
    resets: float | None = None
    name: str = ""
    """For people: "key search-app: usd_per_month (cloud)"."""
    warned: bool = False
    """Whether answers carry a warning: used and held together have reached `soft`."""
    spare_local: bool = False
    """Whether own backends may still be used when the cloud's share is used up."""
    charged: float = 0
    """Of what is used: lent to workers whose machine is lost, which may have used it."""
    note: str = ""
    """Why more is used than requests come to, where it is."""


class Budgets(Struct, frozen=True):
    budgets: list[BudgetUse]
    available: bool
    """False when this gateway keeps no budgets."""


class Latency(Struct, frozen=True):
    """Milliseconds."""

    p50: float
    p95: float
    p99: float


class BackendReport(Struct, frozen=True, kw_only=True):
    """One backend, over all workers."""

    name: str
    zone: str
    local: bool
    kind: str
    state: Literal["healthy", "degraded", "unhealthy", "off", "unknown"]
    """`degraded`: some workers see it healthy, others not. `off`: it is not switched on. `unknown`: nobody has
    reported."""
    why: str = ""
    full: bool = False
    load: str = ""
    waiting: int | None = None
    running: int | None = None
    kv_cache: float | None = None
    inflight: int = 0
    """Requests that it is working on for all workers."""
    openings: list[float] = []
    """When its circuit opened, latest first."""
    changes: list[Circuit] = []
    """What its circuits did in all workers, latest first."""
    replicas: list[ReplicaReport] = []
    """Each, as each worker sees it."""
    requests: int = 0
    """Today."""
    errors: int = 0
    error_rate: float | None = None
    """Today's."""
    retry_rate: float | None = None
    """Share of the last minutes' requests that needed more than one attempt; see `Operations.window_seconds`."""
    latency: Latency | None = None
    first_byte: Latency | None = None
    """Time to the first token, of answers that were streamed."""
    recent_requests: int = 0
    """In the last minutes."""
    recent_error_rate: float | None = None
    power: PowerReport | None = None
    """What switches its units, and why; of backends with a power section."""
    unlisted: list[str] = []
    """Models that the policy has it serve, by its own names, and that it does not list."""


class PowerChange(Struct, frozen=True, kw_only=True):
    """A change of a backend's units, or an order."""

    at: float
    before: str
    """Phase; empty for an order."""
    after: str
    units: int
    """There are to be so many."""
    reason: str
    explanation: str
    """With the terms, for people."""
    who: str
    """The host whose gateway did it, or who gave the order."""


class PowerReport(Struct, frozen=True, kw_only=True):
    """The units of a backend, as their controller left them."""

    phase: str
    since: float
    units: int
    ready: int
    """Units that answer."""
    wanted: int
    reason: str
    """Short code of why so many are wanted."""
    explanation: str
    next: str
    """What would change it next."""
    failing: str = ""
    """Why starts fail."""
    order: str = "auto"
    """What an administrator wants: `on`, `off`, or `auto` for what the policy says."""
    ordered_by: str = ""
    controlled: bool = True
    """A gateway controls it now."""
    changes: list[PowerChange] = []
    """Latest first."""


class PowerOrdered(Struct, frozen=True):
    backend: str
    order: str


class Circuit(Struct, frozen=True, kw_only=True):
    """A change of a circuit breaker."""

    at: float
    state: str
    """`closed`, `open` or `half_open`."""
    why: str = ""
    replica: str = ""
    worker: str = ""


class ReplicaReport(Struct, frozen=True, kw_only=True):
    """One replica of a backend, as one worker sees it."""

    worker: str
    label: str
    circuit: str
    until: float | None = None
    """End of the rest while the circuit is open."""
    why: str = ""
    """Why no request is sent to it; empty when it is usable."""
    inflight: int = 0


class WorkerReport(Struct, frozen=True, kw_only=True):
    id: str
    seen: float
    policy: str
    """Version in force there."""
    ledger: str = ""
    """Why it cannot reach the ledger; empty when it can."""
    host: str = ""
    pid: int = 0
    started: float = 0.0
    silent: bool = False
    """It has said nothing for some seconds; what it said last is not counted any more."""
    draining: bool = False
    waiting: int = 0
    """Requests that wait for room."""
    inflight: int = 0
    reloaded: float | None = None
    """When it last looked at an edited policy."""
    problems: list[str] = []
    """Why it did not adopt that edit; empty when it did."""
    keys: int | None = None
    """Version of the stored keys that it has read; None when the policy lets no keys live in the ledger."""


class Operations(Struct, frozen=True, kw_only=True):
    backends: list[BackendReport]
    workers: list[WorkerReport]
    reporting: bool
    """False when no worker reports; states are unknown then."""
    overhead: Latency | None = None
    """What the gateway itself took before it sent a request that was sent once, waiting for room included."""
    window_seconds: int = 0
    """What latencies and rates look back on; 0 when nothing is measured."""
    policies: dict[str, int] = {}
    """Workers by the version of the policy that is in force there: one version, unless they disagree."""
    ledger: LedgerReport
    policy: PolicyState


class LedgerReport(Struct, frozen=True):
    available: bool
    why: str = ""


# --- requests


class Requests(Struct, frozen=True):
    requests: list[RequestRecord]
    """Latest first."""
    before: str | None
    """To ask for the next page with; None at the end."""
    available: bool
    """False when this gateway keeps no records."""
    looked_back_to: float | None = None
    """When the oldest record was written that was looked at: with `before` there may be more."""
    dimensions: list[str] = []
    """What the policy has records keep of whom requests are for."""


class PlaygroundKey(Struct, frozen=True):
    name: str
    team: str


class PlaygroundChoices(Struct, frozen=True, kw_only=True):
    allowed: bool
    """Whether whoever asks may try requests."""
    why_not: str = ""
    keys: list[PlaygroundKey] = []
    """That they may choose; `anonymous` where the gateway has none."""
    models: list[str] = []
    levels: list[str] = []
    requests_per_minute: int = 0


class PlaygroundAnswered(Struct, frozen=True, kw_only=True):
    """The head of the gateway's answer."""

    status: int
    request: str
    backend: str
    zone: str
    level: str
    reason: str
    warning: str = ""
    """Of a limit that is nearly used up."""


class PlaygroundLine(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the answer: the head first, events or a body then, and at last what the request came to."""

    answered: PlaygroundAnswered | None = None
    event: Any = None
    """Of a stream, as the backend sent it."""
    body: Any = None
    """Of an answer in one piece, or of an error."""
    failed: str = ""
    """Why it broke off."""
    ended: bool = False
    record: RequestRecord | None = None
    """Of the request, once it was settled, for those who see all records; left out where that takes too long."""
    own_record: OwnRecord | None = None
    """The same for everybody else, without what the gateway knew as it decided."""


class Explanation(Struct, frozen=True, kw_only=True):
    text: str
    """As `breakeven explain` prints it."""
    decision: dict[str, Any]
    """The same as data; see `breakeven explain --json`."""
    not_backends_of_the_model: list[str]


class RequestDetail(Struct, frozen=True, kw_only=True):
    record: RequestRecord
    explanation: Explanation | None
    """None when the policy that decided is not known any more."""
    decided_by: str
    """Version of the policy that was in force when it arrived; empty when it is not known."""
    in_force: str
    agrees: bool
    """Whether the explanation ends at the backend that was recorded."""
    assumed: list[str]
    """What the explanation had to assume, because records do not hold it."""


# --- policy


class PolicyProblem(Struct, frozen=True):
    line: int
    """From 1; 0 when it concerns the file as a whole."""
    column: int
    field: str
    message: str
    file: str = ""
    """The policy's, or that of its cases."""


class Reload(Struct, frozen=True):
    """The last time that the file was read anew."""

    at: float
    version: str
    """Of what was read; empty when it could not be read."""
    adopted: bool
    problems: list[PolicyProblem] = []
    why: str = ""


class PolicyState(Struct, frozen=True, kw_only=True):
    version: str
    """In force."""
    path: str
    reload: Reload


class PolicyText(PolicyState, frozen=True, kw_only=True):
    text: str
    """The file as it is on disk; for viewers the one in force."""
    text_version: str
    """Of that text, to send as If-Match; it differs from `version` while the file is broken."""
    running_text: str
    writable: bool
    note: str = ""
    """What to know before editing."""


class CasesResult(Struct, frozen=True):
    file: str
    count: int
    passed: bool
    problems: list[PolicyProblem] = []


class CheckAnswer(Struct, frozen=True, kw_only=True):
    ok: bool
    version: str
    problems: list[PolicyProblem]
    warnings: list[PolicyProblem]
    """What is valid, and probably not what was meant; none while there are problems."""
    diff: str
    """Unified, from the running policy to the draft; empty when they are the same."""
    cases: CasesResult | None
    """None when there are none, or the policy cannot be used."""


class MergeAnswer(Struct, frozen=True, kw_only=True):
    """A draft and what the file has become since it was begun, in one text."""

    text: str
    """Where both changed the same lines, both stand, between lines of marks; such a text cannot be applied."""
    conflicts: int
    text_version: str
    """Of the file's text, to send as If-Match."""
    theirs: str
    """Unified diff, from what the draft was begun from to the file's text."""
    mine: str
    """The same to the draft."""


class ExplainAnswer(Struct, frozen=True, kw_only=True):
    ok: bool
    version: str
    problems: list[PolicyProblem] = []
    explanation: Explanation | None = None


class Applied(Struct, frozen=True, kw_only=True):
    version: str
    previous: str
    at: float
    changed: bool
    note: str = ""


class HistoryEntry(Struct, frozen=True, kw_only=True):
    version: str
    at: float
    how: Literal["found", "edited", "applied", "rolled back", "replaced"]
    """`found` at a start; `edited` on disk; `replaced`: stood in the file, was never in force, and was written over."""
    who: str
    note: str = ""

    @property
    def adopted(self) -> bool:
        return self.how != "replaced"


class History(Struct, frozen=True):
    entries: list[HistoryEntry] = field(default_factory=list)
    """Latest first."""


class HistoryText(Struct, frozen=True):
    version: str
    text: str
    diff: str
    """From this version to the one in force."""


# --- live


class Totals(Struct, frozen=True, kw_only=True):
    """Event `totals`: today, whenever it changes."""

    day: str
    total: Figures
    today_tokens: int


class Notice(Struct, frozen=True):
    """Event `notice`: something that cannot be read now."""

    message: str
