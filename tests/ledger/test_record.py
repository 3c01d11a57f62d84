import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from router.core.cost.pricing import exact_micro_usd
from router.core.units import NO_UNITS, UnitRates, Units
from router.core.values import NO_GROUNDS, Cell, Grounds, PriceTier, Rates, RequestOutcome, Row, Settlement, Usage
from router.ledger.record import (
    FIELDS,
    SHOWN,
    VERSION,
    Kind,
    Record,
    batch_blob,
    pack_record,
    pack_refused,
    settlement_of,
    unpack_records,
)
from router.ledger.reports.totals import total

CLOUD = Cell("openai", "cloud", "chat", "search", "app")
COURSE = RequestOutcome("req-1", "internal", ("phi",), "spill", 200, True, 2, 900, 41_000, 880_000, "gpu: full", "chat")
SETTLEMENT = Settlement(
    "02965446aa1", CLOUD, 1_779_267_600.25, Usage(100, 30, 10, 7, True), 250, 900, False, True, course=COURSE
)
HEARD = Units(
    audio_input=40, audio_cached=5, audio_output=3, image_input=20, image_cached=4, image_output=2,
    milliseconds=27_500, characters=90, images=2, image_kind="hd 1024x1792", searches=3,
)  # fmt: skip
GROUNDS = Grounds(
    policy="0123456789ab", estimated_input=120, max_output_tokens=400, seen_input=9000, seen_cached=400, seen_output=7,
    cloud_price=0.42, previous="local", states=("gpu full",), side="local", candidates=("openai", "gpu"), rule="night",
    decided="spill", waits=True, modalities=("image", "text"), quality_floor=0.8, answers=2, fetch="outside",
    pinned="openai", uses=("hosted tools",), key_zones=("cloud",), listed=("gpu",), blocked=("translation",),
)  # fmt: skip
WITH_GROUNDS = replace(SETTLEMENT, course=replace(COURSE, grounds=GROUNDS))
WITH_UNITS = replace(SETTLEMENT, usage=Usage(100, 30, 10, 7, True, cache_write_1h=4, service="flex", units=HEARD))
WITH_DIMENSIONS = replace(
    SETTLEMENT, course=replace(COURSE, dimensions=("user=u-17", "metadata.project=apollo"), via="playground")
)
pack = msgspec.msgpack.encode


def test_a_record_says_everything_about_a_settlement():
    (record,) = unpack_records(batch_blob([pack_record(SETTLEMENT)]))
    assert record == Record(
        *("settled", "02965446aa1", 1_779_267_600.25, "app", "search", "chat", "openai", "cloud"),
        *(100, 30, 10, 7, True, 250, 900, False, True),
        *("req-1", "internal", ("phi",), "spill", 200, True, 2, 900, 41_000, 880_000, "gpu: full", VERSION),
        *(False, False, "chat"),
    )
    assert record.cell == CLOUD


def test_what_is_packed_is_what_the_schema_says_in_its_order():
    course = replace(WITH_GROUNDS.course, dimensions=("user=u-17",), via="playground")
    settlement = replace(WITH_UNITS, course=course)
    values = msgspec.msgpack.decode(pack_record(settlement))
    parts = {
        "settlement": settlement,
        "cell": CLOUD,
        "usage": settlement.usage,
        "course": course,
        "units": HEARD,
        "grounds": GROUNDS,
    }
    assert list(FIELDS) == list(Record.__struct_fields__)
    for (name, field), value in zip(FIELDS.items(), values, strict=True):
        if field.part != "record":
            assert value == msgspec.msgpack.decode(pack(getattr(parts[field.part], name))), name
    assert (values[0], values[list(FIELDS).index("version")]) == ("settled", VERSION)


def test_what_is_shown_is_all_but_the_version_and_has_a_meaning():
    assert sorted([*SHOWN, "version"]) == sorted(FIELDS)
    assert all(FIELDS[name].doc for name in SHOWN)


def test_of_a_request_in_text_the_record_says_nothing_of_units():
    values = msgspec.msgpack.decode(pack_record(SETTLEMENT))
    assert list(FIELDS)[len(values) :] == [*Units.__struct_fields__, *Grounds.__struct_fields__, "dimensions", "via"]


def test_a_record_of_before_knows_nothing_of_the_grounds():
    (record,) = unpack_records(batch_blob([pack_record(SETTLEMENT)]))
    assert (record.policy, settlement_of(record).course.grounds is NO_GROUNDS) == ("", True)


@pytest.mark.parametrize("settlement", [SETTLEMENT, WITH_UNITS, WITH_GROUNDS, WITH_DIMENSIONS])
def test_a_settlement_is_made_from_its_record_again(settlement):
    (record,) = unpack_records(batch_blob([pack_record(settlement)]))
    assert settlement_of(record) == settlement
    assert (settlement_of(record).usage.units is NO_UNITS) is (settlement.usage.units is NO_UNITS)


def test_what_it_cost_follows_from_its_record_alone():
    rates = Rates(1.0, 4.0, 0.5, 1.25, 0.01, 2.0, UnitRates(6.0, 0.7, 12.0, 3.0, 0.3, 8.0, 0.0001, 15.0, 0.04))
    (record,) = unpack_records(batch_blob([pack_record(WITH_UNITS)]))
    tiers = (PriceTier(0, rates),)
    assert exact_micro_usd(tiers, settlement_of(record).usage) == exact_micro_usd(tiers, WITH_UNITS.usage)


def test_the_record_of_a_failed_attempt_is_of_no_request():
    (attempt,) = unpack_records(batch_blob([pack_record(SETTLEMENT, "attempt")]))
    assert settlement_of(attempt).requests == 0


def test_a_refusal_counts_nothing():
    course = RequestOutcome("req-2", "restricted", ("phi",), "no_backend", 503, detail="gpu is down")
    refused = pack_refused(at=1.5, key="app", team="search", model="chat", course=course)
    assert unpack_records(batch_blob([refused])) == [
        Record(
            "refused", "", 1.5, "app", "search", "chat", level="restricted", tags=("phi",), reason="no_backend",
            status=503, request="req-2", detail="gpu is down", version=VERSION,
        )
    ]  # fmt: skip


@given(st.sampled_from([0, 1, 15, 16, 17, 65_535, 65_536]))
def test_a_batch_is_an_array_of_any_length(length):
    assert msgspec.msgpack.decode(batch_blob([b"\x01"] * length)) == [1] * length


def test_records_of_a_newer_version_can_be_read():
    packed = pack([*msgspec.msgpack.decode(pack_record(WITH_DIMENSIONS)), "a field of tomorrow"])
    assert unpack_records(batch_blob([packed])) == unpack_records(batch_blob([pack_record(WITH_DIMENSIONS)]))


def test_what_a_script_leaves_out_is_empty():
    held = pack(["held", "x", 1_779_267_600, "app", "search", "chat", "openai", "cloud", 5, 0, 0, 7, False, 12])
    (record,) = unpack_records(batch_blob([held]))
    assert (record.at, record.output, record.cost, record.tags, record.detail) == (1_779_267_600.0, 7, 12_000, (), "")


def test_a_record_without_a_version_had_micro_usd():
    values = msgspec.msgpack.decode(pack_record(SETTLEMENT))
    version = values[list(FIELDS).index("version")]
    (record,) = unpack_records(batch_blob([pack(values[: list(FIELDS).index("version")])]))
    assert (version, record.version, record.cost, record.counterfactual) == (VERSION, 1, 250_000, 900_000)


@pytest.mark.parametrize("blob", [b"", b"\x91", pack({"a": 1}), pack([["settled"]]), pack([[1] * 28])])
def test_something_else_is_an_error(blob):
    with pytest.raises(ValueError):
        unpack_records(blob)


def test_a_settled_record_adds_what_the_settlement_did():
    (record,) = unpack_records(batch_blob([pack_record(SETTLEMENT)]))
    assert record.row == Row(CLOUD, 1, 0, 100, 30, 7, 250, 900, 1, 0, eligible_tokens=107, cloud_value=250)


@pytest.mark.parametrize(("local", "value"), [(False, 250), (True, 900)])
def test_what_the_cloud_charged_or_would_have_is_its_value(local, value):
    assert row_of(replace(SETTLEMENT, local=local)).cloud_value == value


@pytest.mark.parametrize(("kind", "requests"), [("settled", 1), ("attempt", 0), ("lifted", -1)])
def test_what_could_not_leave_is_counted_by_itself(kind, requests):
    row, sign = row_of(replace(SETTLEMENT, eligible=False, captive=True), kind), requests or 1
    assert (row.captive, row.captive_tokens, row.captive_cost) == (requests, sign * 107, sign * 250)
    assert (row.eligible_tokens, row.cloud_value) == (0, 0)


def test_records_of_before_say_nothing_of_it():
    values = msgspec.msgpack.decode(pack_record(SETTLEMENT))[: list(FIELDS).index("version")]
    (record,) = unpack_records(batch_blob([pack([*values, 1])]))
    assert record.row == Row(CLOUD, 1, 0, 100, 30, 7, 250, 900, 1, 0)
    assert settlement_of(record).local  # the other side was the dearer one, so that was the cloud


def row_of(settlement: Settlement, kind: Kind = "settled") -> Row:
    (record,) = unpack_records(batch_blob([pack_record(settlement, kind)]))
    return record.row


def test_a_charge_is_unsettled_and_can_be_taken_back():
    records = unpack_records(batch_blob([pack_record(SETTLEMENT, "held"), pack_record(SETTLEMENT, "lifted")]))
    assert [record.row.unsettled for record in records] == [1, -1]
    assert total([record.row for record in records]) == Row(Cell("", "", "", "", ""))


@pytest.mark.parametrize("kind", ["refused", "a kind of tomorrow"])
def test_other_records_add_nothing(kind):
    record = Record(kind, "x", 0.0, "app", "search", "chat", input=5, cost=7)
    assert record.row == Row(record.cell)
