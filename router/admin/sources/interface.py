"""What other parts of the gateway report: an interface for each, and an object for "nothing is reported".

The pages that show them say so then, and the control plane never looks behind these interfaces.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct, field
from prometheus_client import Metric

from router.admin.answers.backends import Circuit, Latency, ReplicaReport
from router.admin.answers.budgets import BudgetUse
from router.admin.answers.operations import WorkerReport
from router.admin.answers.power import PowerReport
from router.admin.request_types import RequestsQuery, SpendQuery
from router.core.power.terms import Order
from router.ledger.record import Record
from router.ledger.reports.by_record import RecordSums


class Seen(Struct, frozen=True, kw_only=True):
    """One backend, as one worker sees it."""

    healthy: bool = True
    why: str = ""
    full: bool = False
    load: str = ""
    off: str = ""
    """Why it takes no request since it is not switched on."""
    waiting: int | None = None
    running: int | None = None
    kv_cache: float | None = None
    inflight: int = 0
    changes: Sequence[Circuit] = ()
    """Of its circuits, latest first."""
    replicas: Sequence[ReplicaReport] = ()


class WorkerStatus(Struct, frozen=True):
    """What one worker is and sees."""

    report: WorkerReport
    backends: Mapping[str, Seen]


class Course(Struct, frozen=True, kw_only=True):
    """How requests to one backend went lately."""

    latency: Latency | None = None
    first_byte: Latency | None = None
    retry_rate: float | None = None
    requests: int = 0
    error_rate: float | None = None


class Workers(Protocol):
    """Raises LedgerUnavailable."""

    async def statuses(self) -> Sequence[WorkerStatus]: ...


class BudgetBook(Protocol):
    """Raises LedgerUnavailable."""

    available: bool

    async def uses(self, now: float) -> Sequence[BudgetUse]: ...

    async def uses_of(self, scopes: Collection[str], now: float) -> Sequence[BudgetUse]:
        """Of some scopes, such as `key:NAME`."""
        ...


class Page(Struct, frozen=True):
    """Latest first. `before` asks for the next page; None at the end."""

    records: Sequence[Record] = field(default_factory=list)
    before: str | None = None
    reached: float = 0.0
    """When the oldest record was written that was looked at; 0 for none."""


class Records(Protocol):
    """Raises LedgerUnavailable."""

    available: bool

    async def page(self, query: RequestsQuery) -> Page:
        """A look at the first records; more of them may match."""
        ...

    def search(self, query: RequestsQuery) -> Page:
        """The same of many records, for a process of its own."""
        ...

    def add_up(self, sums: RecordSums, query: SpendQuery, since: float) -> RecordSums:
        """With the records of a view of spend, for a process of its own."""
        ...

    async def find(self, id: str) -> Record | None:
        """By the record's id or by the request's `x-request-id`."""
        ...


class Meters(Protocol):
    """What is measured from the records of the last `window` seconds."""

    window: int

    async def courses(self) -> Mapping[str, Course]:
        """By backend."""
        ...

    async def overhead(self) -> Latency | None: ...

    async def metrics(self) -> Iterable[Metric]:
        """Histograms for Prometheus."""
        ...


class Power(Protocol):
    """The units that are switched, and orders for whoever controls them. Raises LedgerUnavailable."""

    async def units(self) -> Mapping[str, PowerReport]:
        """By backend."""
        ...

    async def order(self, backend: str, order: Order, who: str) -> None: ...


class ModelLists(Protocol):
    """What backends say that they serve."""

    @property
    def unlisted(self) -> Mapping[str, tuple[str, ...]]:
        """Models that the policy has a backend serve and that it does not list, by backend."""
        ...


class NoModelLists:
    unlisted: Mapping[str, tuple[str, ...]] = {}


class NoPower:
    async def units(self) -> Mapping[str, PowerReport]:
        return {}

    async def order(self, backend: str, order: Order, who: str) -> None:
        pass


class NoWorkers:
    async def statuses(self) -> Sequence[WorkerStatus]:
        return ()


class NoBudgets:
    available = False

    async def uses(self, now: float) -> Sequence[BudgetUse]:
        return ()

    async def uses_of(self, scopes: Collection[str], now: float) -> Sequence[BudgetUse]:
        return ()


class NoRecords:
    available = False

    async def page(self, query: RequestsQuery) -> Page:
        return Page()

    def search(self, query: RequestsQuery) -> Page:
        return Page()

    def add_up(self, sums: RecordSums, query: SpendQuery, since: float) -> RecordSums:
        return sums

    async def find(self, id: str) -> Record | None:
        return None


class NoMeters:
    window = 0

    async def courses(self) -> Mapping[str, Course]:
        return {}

    async def overhead(self) -> Latency | None:
        return None

    async def metrics(self) -> Iterable[Metric]:
        return ()


class Sources(Struct, frozen=True):
    workers: Workers = field(default_factory=NoWorkers)
    budgets: BudgetBook = field(default_factory=NoBudgets)
    records: Records = field(default_factory=NoRecords)
    meters: Meters = field(default_factory=NoMeters)
    power: Power = field(default_factory=NoPower)
    models: ModelLists = field(default_factory=NoModelLists)
