"""Rows in the columns of FOCUS."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from router.core.cost.rent import RentRow, RentState
from router.ledger.record import VERSION, Record
from router.ledger.reports.focus import COLUMNS, Focus

MANDATORY = {
    *("BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd"),
    *("BillingPeriodStart", "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargePeriodEnd"),
    *("ChargePeriodStart", "ContractedCost", "EffectiveCost", "InvoiceIssuerName", "ListCost", "PricingQuantity"),
    *("PricingUnit", "ProviderName", "PublisherName", "ServiceCategory", "ServiceName"),
}
"""Of FOCUS 1.2, Cost and Usage."""
NULLABLE = {"ChargeClass"}
NOON, DAY = 1_779_271_200.0, "2026-05-20"


def request(kind: str = "settled", **fields) -> Record:
    known = {
        "key": "app",
        "team": "search",
        "model": "chat",
        "backend": "gpu",
        "zone": "local",
        "input": 90,
        "output": 10,
        "local": True,
        "version": VERSION,
    }
    return Record(kind, "id", NOON, **(known | fields))


def rows(records: Iterable[Record], rent: Iterable[RentRow] = ()) -> list[dict[str, str]]:
    output = io.BytesIO()
    writer = Focus(output, ZoneInfo("Europe/Berlin"))
    writer.write(list(records))
    writer.rent(rent)
    writer.close()
    found = list(csv.DictReader(io.StringIO(output.getvalue().decode(), newline="")))
    assert all(row[name] for row in found for name in MANDATORY - NULLABLE)
    return found


def test_every_mandatory_column_is_there_and_others_are_ours():
    assert set(COLUMNS) >= MANDATORY and len(COLUMNS) == len(set(COLUMNS))


def test_a_request_in_the_cloud():
    bought = request(backend="api", zone="cloud", local=False, cost=1_250_000_020, tags=("phi",), level="public")
    (row,) = rows([bought])
    assert (row["BilledCost"], row["EffectiveCost"], row["x_CloudAloneCost"]) == ("1.25000002",) * 3
    assert (row["ConsumedQuantity"], row["ConsumedUnit"], row["ServiceName"]) == ("100", "Tokens", "chat")
    assert (row["SubAccountId"], row["RegionId"], row["ProviderName"]) == ("search", "cloud", "api")
    assert (row["ChargePeriodStart"], row["ChargePeriodEnd"]) == ("2026-05-20T10:00:00Z", "2026-05-20T11:00:00Z")
    assert (row["BillingPeriodStart"], row["BillingPeriodEnd"]) == ("2026-05-01T00:00:00Z", "2026-06-01T00:00:00Z")
    assert json.loads(row["Tags"]) == {"key": "app", "phi": True, "level": "public"}


@pytest.mark.parametrize(
    ("used", "quantity", "unit"),
    [
        ({"input": 0, "output": 0, "images": 2}, "2", "Images"),
        ({"input": 30, "output": 0, "estimated": True, "characters": 90}, "90", "Characters"),
        ({"input": 275, "output": 0, "estimated": True, "milliseconds": 27_500}, "27.5", "Seconds"),
        ({"input": 60, "output": 0, "estimated": True, "searches": 2}, "2", "Searches"),
        ({"input": 50, "output": 6000, "images": 1}, "6050", "Tokens"),
        ({"input": 50, "output": 7, "estimated": True}, "57", "Tokens"),
        ({"input": 0, "output": 0}, "0", "Tokens"),
    ],
)
def test_what_has_no_reported_tokens_was_bought_by_what_else_was_counted(used, quantity, unit):
    (row,) = rows([request(endpoint="images", **used)])
    assert (row["ConsumedQuantity"], row["ConsumedUnit"], row["x_Endpoint"]) == (quantity, unit, "images")
    assert (row["PricingQuantity"], row["PricingUnit"], row["SkuId"]) == (quantity, unit, f"gpu/chat/{unit.lower()}")


def test_what_could_not_leave_and_what_has_no_cloud_price():
    compared, captive, alone = rows([request(eligible=True, counterfactual=5), request(captive=True), request()])
    assert (compared["x_CloudAloneCost"], captive["x_CloudAloneCost"]) == ("0.000000005", "")
    assert (captive["x_CouldNotLeave"], alone["x_CouldNotLeave"], alone["x_CloudAloneCost"]) == ("true", "false", "")


def test_what_was_taken_back_is_negative_and_what_was_refused_is_left_out():
    held, lifted = rows([request("held", cost=7), request("lifted", cost=7), request("refused")])
    assert Decimal(held["BilledCost"]) + Decimal(lifted["BilledCost"]) == 0
    assert (held["x_Requests"], lifted["x_Requests"]) == ("1", "-1")


def test_rent_of_work_is_divided_by_team_key_and_tags_and_the_rest_is_nobodys():
    served = [request(), request(), request(team="sales", key="bot", tags=("phi",))]
    rent = [
        RentRow(DAY, "gpu", 0, RentState.BUSY, 3_600_000, 1_000_000_000),
        RentRow(DAY, "gpu", 0, RentState.IDLE, 1_800_000, 500_000_000),
        RentRow("2026-05-21", "gpu", 0, RentState.BUSY, 1000, 7),
    ]
    *_, sales, search, idle, unused = rows(served, rent)
    assert (search["BilledCost"], sales["BilledCost"]) == ("0.666666667", "0.333333333")
    assert (search["SubAccountId"], json.loads(sales["Tags"])) == ("search", {"key": "bot", "phi": True})
    assert sum(Decimal(each["ConsumedQuantity"]) for each in (sales, search)) == 1
    assert (idle["BilledCost"], idle["SubAccountId"], idle["x_RentState"]) == ("0.500000", "", "idle")
    assert unused["BilledCost"] == "0.000000007"
    assert (idle["ChargePeriodStart"], idle["ChargePeriodEnd"]) == ("2026-05-19T22:00:00Z", "2026-05-20T22:00:00Z")


def test_names_are_text_whatever_is_in_them():
    (row,) = rows([request(model="=1+1")])
    assert row["ServiceName"] == "'=1+1"


def test_tags_have_whom_a_request_is_for_where_records_keep_that():
    (row,) = rows([request(tags=("phi",), dimensions=("user=u-17", "metadata.project=apollo=11"))])
    assert json.loads(row["Tags"]) == {"key": "app", "phi": True, "user": "u-17", "metadata.project": "apollo=11"}
