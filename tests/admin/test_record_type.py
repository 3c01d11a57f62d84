import msgspec

from router.admin.record_type import RequestRecord, shown
from router.ledger.record import SHOWN, Record

RECORD = Record("settled", "01", 1.5, "app", "search", "chat", tags=("phi",), cost=1500, sent=2500, version=1)


def test_a_record_has_the_names_and_units_of_the_api():
    told = msgspec.json.decode(msgspec.json.encode(shown(RECORD)))
    assert len(told) == len(SHOWN) and "version" not in told
    assert (told["id"], told["at"], told["tags"], told["cost_micro_usd"], told["sent_ms"]) == (
        "01",
        1.5,
        ["phi"],
        1.5,
        2.5,
    )


def test_the_type_says_what_is_always_known():
    told = msgspec.json.schema(RequestRecord)["$defs"]["RequestRecord"]
    assert sorted(told["required"]) == ["at", "id", "key", "kind", "model", "team"]
    assert told["properties"]["cost_micro_usd"] == {"type": "number", "default": 0}
