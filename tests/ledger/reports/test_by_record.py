from __future__ import annotations

from zoneinfo import ZoneInfo

from router.core.cost.net import Account
from router.core.cost.rent import RentRow, RentState
from router.core.values import Cell, Row
from router.ledger.record import VERSION, Record
from router.ledger.reports.by_record import MOST_NAMES, NOT_RECORDED, OTHER, ByRecord, RecordSums
from router.ledger.reports.by_record import by_record as by_name

NO_TAG = "(no tag)"
NOON, DAYS = 1_779_271_200.0, ("2026-05-20", "2026-05-21")
BERLIN = ZoneInfo("Europe/Berlin")


def record(
    *tags: str,
    at: float = NOON,
    kind: str = "settled",
    tokens: int = 100,
    backend: str = "gpu",
    endpoint: str = "chat",
    dimensions: tuple[str, ...] = (),
) -> Record:
    fields = {
        "input": tokens,
        "tags": tags,
        "local": True,
        "version": VERSION,
        "endpoint": endpoint,
    }
    return Record(kind, "id", at, "app", "search", "chat", backend, "local", dimensions=dimensions, **fields)


def totals(tokens: int, requests: int, backend: str = "gpu") -> Row:
    return Row(Cell(backend, "local", "", "", ""), requests=requests, input=tokens)


def by_record(by: str, records: list[Record], *days: list[Row]) -> ByRecord:
    dimension = by_name(by)
    assert dimension is not None
    sums = RecordSums(dimension, DAYS, BERLIN)
    for each in records:
        sums.add(each)
    rent = [RentRow(day, "gpu", 0, RentState.BUSY, 1000, 600) for day in DAYS]
    return sums.of(Account(DAYS, days, days, rent, frozenset({"local"})), None)


def rents(found: ByRecord) -> dict[str, int]:
    return {name: net.rent for name, net in found.account.by(lambda row: row.cell.key).items()}


def test_each_day_is_shared_by_its_own_tokens():
    records = [record("phi"), record("legal", tokens=200), record("phi", at=NOON + 86_400)]
    found = by_record("tag", records, [totals(300, 2)], [totals(100, 1)])
    assert rents(found) == {"phi": 200 + 600, "legal": 400}
    assert (found.missing, found.several) == (0, 0)


def test_what_has_no_tag_and_what_has_no_record_have_rows():
    found = by_record("tag", [record()], [totals(300, 3)], [])
    assert rents(found) == {NO_TAG: 200, NOT_RECORDED: 400} and found.missing == 2
    assert found.account.used() == 600


def test_a_request_with_several_tags_is_in_the_row_of_each():
    found = by_record("tag", [record("phi", "legal")], [totals(100, 1)], [])
    assert rents(found) == {"phi": 600, "legal": 600} and found.several == 1


def test_charges_that_were_taken_back_and_refusals_count_as_in_the_totals():
    records = [record("phi", kind="held"), record("phi", kind="lifted"), record("phi", kind="refused"), record("phi")]
    found = by_record("tag", records, [totals(100, 1)], [])
    assert rents(found) == {"phi": 600} and found.missing == 0


def test_records_of_other_days_and_backends_take_no_share():
    records = [record("phi"), record("old", at=NOON - 86_400), record("cpu", backend="cpu")]
    found = by_record("tag", records, [totals(100, 1), totals(100, 1, "cpu")], [])
    assert rents(found) == {"phi": 600, "cpu": 0}


def test_by_endpoint_each_request_is_in_one_row_and_of_a_charge_that_nobody_settled_it_is_not_known():
    records = [record("phi", "legal"), record(endpoint="embeddings"), record(kind="held", endpoint="")]
    found = by_record("endpoint", records, [totals(400, 4)], [])
    assert rents(found) == {"chat": 150, "embeddings": 150, "(not known)": 150, NOT_RECORDED: 150}
    assert (found.missing, found.several) == (1, 0)


def test_by_what_requests_say_of_themselves():
    records = [record(dimensions=("user=u-1", "metadata.project=apollo")), record(dimensions=("user=u-2",))]
    assert rents(by_record("user", records, [totals(200, 2)], [])) == {"u-1": 300, "u-2": 300}
    found = by_record("metadata.project", records, [totals(200, 2)], [])
    assert rents(found) == {"apollo": 300, "(no metadata.project)": 300}
    assert by_name("metadata.") is None and by_name("colour") is None


def test_the_names_of_a_day_are_bounded_and_what_is_beyond_is_said():
    users = [*range(MOST_NAMES + 5), 0]
    found = by_record("user", [record(dimensions=(f"user=u-{n}",)) for n in users], [totals(100, 1)], [])
    rows = {row.cell.key: row.requests for row in found.account.rows[0]}
    assert (rows["u-0"], rows[OTHER], found.others) == (2, 5, 5)
    assert "5 requests are in the row (other): beyond the first 1,000 of a day" in found.notes(BERLIN)[-1]
