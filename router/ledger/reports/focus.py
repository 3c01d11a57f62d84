"""What was paid, in the columns of FOCUS 1.2, the FinOps Open Cost and Usage Specification, as CSV.

A row is one request, or what one unit of an own backend was in one state over a day. The rent of time in which it
worked is divided among those whose tokens it served on that day, by team, key and tags; all other rent has no sub
account. Columns that begin with x_ are ours, as the specification has it. A column that is not here does not apply.

What is called provider there is a backend here, a sub account is a team, a region a zone. Prices of tokens differ
within a row, by kind and size, so rows have no unit prices. What a backend reported no tokens of was bought by the
image, the character or the second, as far as a record tells.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

import msgspec

from router.core.cost.net import share_of
from router.core.cost.rent import RentRow, RentState
from router.core.cost.volume import day_of
from router.core.money import usd_text
from router.ledger.record import Record
from router.ledger.record_schema import counts_of, requests_of
from router.ledger.reports.export import harmless
from router.ledger.reports.totals import day_end, day_start

VERSION = "1.2"
COLUMNS = (
    *("BilledCost", "BillingAccountId", "BillingAccountName", "BillingAccountType", "BillingCurrency"),
    *("BillingPeriodEnd", "BillingPeriodStart", "ChargeCategory", "ChargeClass", "ChargeDescription"),
    *("ChargeFrequency", "ChargePeriodEnd", "ChargePeriodStart", "ConsumedQuantity", "ConsumedUnit", "ContractedCost"),
    *("EffectiveCost", "InvoiceIssuerName", "ListCost", "PricingCategory", "PricingCurrency"),
    *("PricingCurrencyEffectiveCost", "PricingQuantity", "PricingUnit", "ProviderName", "PublisherName", "RegionId"),
    *("RegionName", "ResourceId", "ResourceName", "ResourceType", "ServiceCategory", "ServiceName"),
    *("ServiceSubcategory", "SkuId", "SubAccountId", "SubAccountName", "SubAccountType", "Tags"),
    *(
        "x_RequestId",
        "x_Endpoint",
        "x_Requests",
        "x_Kind",
        "x_Own",
        "x_CloudAloneCost",
        "x_CouldNotLeave",
        "x_RentState",
    ),
)
_COSTS = ("BilledCost", "ContractedCost", "EffectiveCost", "ListCost", "PricingCurrencyEffectiveCost")
_NUMBERS = {*_COSTS, "ConsumedQuantity", "PricingQuantity", "x_Requests", "x_CloudAloneCost"}

Share = tuple[str, str, tuple[str, ...]]
"""Team, key and tags."""


class Focus:
    """Takes records, and then the rent of the same days. `timezone` is the ledger's, whose days rent is counted in."""

    def __init__(self, output: BinaryIO, timezone: ZoneInfo) -> None:
        self._text = io.TextIOWrapper(output, encoding="utf-8", newline="", write_through=True)
        self._lines = csv.DictWriter(self._text, COLUMNS, restval="")
        self._lines.writeheader()
        self._timezone = timezone
        self._tokens: dict[tuple[str, str], dict[Share, int]] = {}

    def write(self, records: Sequence[Record]) -> None:
        for record in records:
            if counts_of(record.kind):
                self._count(record)
                self._lines.writerow(_shown(_of_request(record)))

    def rent(self, rows: Iterable[RentRow]) -> None:
        for row in rows:
            for part in self._parts(row):
                self._lines.writerow(_shown(part))

    def close(self) -> None:
        self._text.flush()
        self._text.detach()

    def _count(self, record: Record) -> None:
        place = day_of(record.at, self._timezone), record.backend
        shares = self._tokens.setdefault(place, {})
        who = record.team, record.key, record.tags
        shares[who] = shares.get(who, 0) + counts_of(record.kind) * (record.input + record.output)

    def _parts(self, row: RentRow) -> Iterator[dict[str, Any]]:
        """Those who used it, where it worked; what rounding leaves over is the last one's."""
        shares = self._tokens.get((row.day, row.backend), {})
        whole = sum(shares.values())
        if row.state is not RentState.BUSY or whole <= 0:
            yield self._of_rent(row, row.nano_usd, row.milliseconds, {})
            return
        nano = milliseconds = 0
        for number, ((team, key, tags), tokens) in enumerate(sorted(shares.items()), 1):
            last = number == len(shares)
            money = row.nano_usd - nano if last else share_of(row.nano_usd, tokens, whole)
            time = row.milliseconds - milliseconds if last else share_of(row.milliseconds, tokens, whole)
            nano, milliseconds = nano + money, milliseconds + time
            yield self._of_rent(row, money, time, _sub_account(team) | {"Tags": _tags(key=key, tags=tags)})

    def _of_rent(self, row: RentRow, nano: int, milliseconds: int, who: Mapping[str, Any]) -> dict[str, Any]:
        hours = milliseconds / 3_600_000
        begin, end = day_start(row.day, self._timezone), day_end(row.day, self._timezone)
        return {
            **_period(begin, end),
            **_money(nano),
            **_backend(row.backend),
            "ChargeDescription": f"Rent of unit {row.unit} of {row.backend}, {row.state.value}",
            "ConsumedQuantity": f"{hours:.9f}",
            "ConsumedUnit": "Hours",
            "PricingQuantity": f"{hours:.9f}",
            "PricingUnit": "Hours",
            "ResourceId": f"{row.backend}/{row.unit}",
            "ResourceName": f"{row.backend}/{row.unit}",
            "ResourceType": "GPU unit",
            "ServiceCategory": "Compute",
            "ServiceName": row.backend,
            "ServiceSubcategory": "Other (Compute)",
            "SkuId": f"{row.backend}/rent",
            "x_Own": "true",
            "x_RentState": row.state.value,
            **who,
        }


def _of_request(record: Record) -> dict[str, Any]:
    sign = counts_of(record.kind)
    hour = record.at // 3600 * 3600
    amount, unit = _consumed(record)
    quantity = sign * amount
    alone = record.counterfactual if record.local else record.cost
    known = not record.local or record.eligible
    return {
        **_period(hour, hour + 3600),
        **_money(sign * record.cost),
        **_backend(record.backend),
        **_sub_account(record.team),
        "ChargeDescription": f"{quantity} {unit.lower()} of {record.model} on {record.backend}",
        "ConsumedQuantity": quantity,
        "ConsumedUnit": unit,
        "PricingQuantity": quantity,
        "PricingUnit": unit,
        "RegionId": record.zone,
        "RegionName": record.zone,
        "ResourceId": f"{record.backend}/{record.model}",
        "ResourceName": record.model,
        "ResourceType": "Model",
        "ServiceCategory": "AI and Machine Learning",
        "ServiceName": record.model,
        "ServiceSubcategory": "Generative AI",
        "SkuId": f"{record.backend}/{record.model}/{unit.lower()}",
        "Tags": _tags(record.key, record.tags, record.level, record.dimensions),
        "x_RequestId": record.request,
        "x_Endpoint": record.endpoint,
        "x_Requests": requests_of(record.kind),
        "x_Kind": record.kind,
        "x_Own": "true" if record.local else "false",
        "x_CloudAloneCost": _usd(sign * alone) if known else "",
        "x_CouldNotLeave": "true" if record.captive else "false",
    }


def _consumed(record: Record) -> tuple[int | float, str]:
    """How much of what. Tokens that were estimated say less than what else was counted."""
    tokens = record.input + record.output
    if tokens and not record.estimated:
        return tokens, "Tokens"
    counted = (
        *((record.images, "Images"), (record.characters, "Characters"), (record.milliseconds / 1000, "Seconds")),
        (record.searches, "Searches"),
    )
    return next(((amount, unit) for amount, unit in counted if amount), (tokens, "Tokens"))


def _period(begin: float, end: float) -> dict[str, str]:
    month = datetime.fromtimestamp(begin, UTC).date().replace(day=1)
    following = (month + timedelta(days=31)).replace(day=1)
    return {
        "BillingPeriodStart": _midnight(month),
        "BillingPeriodEnd": _midnight(following),
        "ChargePeriodStart": f"{datetime.fromtimestamp(begin, UTC):%Y-%m-%dT%H:%M:%SZ}",
        "ChargePeriodEnd": f"{datetime.fromtimestamp(end, UTC):%Y-%m-%dT%H:%M:%SZ}",
    }


def _midnight(day: date) -> str:
    return f"{day.isoformat()}T00:00:00Z"


def _money(nano: int) -> dict[str, str]:
    return dict.fromkeys(_COSTS, _usd(nano)) | {"BillingCurrency": "USD", "PricingCurrency": "USD"}


def _usd(nano: int) -> str:
    return usd_text(nano).replace(",", "")


def _backend(name: str) -> dict[str, str]:
    return {
        "BillingAccountId": name,
        "BillingAccountName": name,
        "BillingAccountType": "Backend",
        "ChargeCategory": "Usage",
        "ChargeFrequency": "Usage-Based",
        "InvoiceIssuerName": name,
        "PricingCategory": "Standard",
        "ProviderName": name,
        "PublisherName": name,
    }


def _sub_account(team: str) -> dict[str, str]:
    return {"SubAccountId": team, "SubAccountName": team, "SubAccountType": "Team"} if team else {}


def _tags(key: str, tags: Sequence[str], level: str = "", dimensions: Sequence[str] = ()) -> str:
    """JSON, as the specification has it: an object of names and values."""
    found: dict[str, Any] = {"key": key} | dict.fromkeys(tags, True) | ({"level": level} if level else {})
    said = {name: value for name, _, value in (each.partition("=") for each in dimensions)}
    return msgspec.json.encode(found | said).decode()


def _shown(line: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value if name in _NUMBERS else harmless(str(value)) for name, value in line.items()}
