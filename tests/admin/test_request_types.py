"""What a body may hold is bounded, wherever it is said: looking through it holds nobody else up."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest
from msgspec import inspect

from router.admin.request_types import Day
from router.admin.routes import ROUTES

BODIES = list(dict.fromkeys(route.body for route in ROUTES if route.body is not None))
ASIDE = {"ExplainDraft.body", "Attempt.body"}
"""Whole bodies of requests to try: they are read in a process of their own, or by the gateway."""


def unbounded(kind: inspect.Type, place: str) -> Iterator[str]:
    match kind:
        case inspect.StructType(fields=fields):
            for each in fields:
                yield from unbounded(each.type, f"{place}.{each.name}")
        case inspect.UnionType(types=types):
            for each in types:
                yield from unbounded(each, place)
        case inspect.StrType(max_length=most) | inspect.BytesType(max_length=most):
            yield from [place] * (most is None)
        case inspect.ListType(max_length=most, item_type=item) | inspect.VarTupleType(max_length=most, item_type=item):
            yield from [place] * (most is None)
            yield from unbounded(item, place)
        case inspect.DictType(max_length=most, key_type=key, value_type=value):
            yield from [place] * (most is None)
            if place not in ASIDE:
                yield from unbounded(key, place)
                yield from unbounded(value, place)
        case inspect.Metadata(type=inner):
            yield from unbounded(inner, place)
        case inspect.NoneType() | inspect.BoolType() | inspect.IntType() | inspect.FloatType() | inspect.LiteralType():
            return
        case _:
            yield place


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.__name__)
def test_every_text_list_and_mapping_of_a_body_has_a_bound(body):
    assert list(unbounded(inspect.type_info(body), body.__name__)) == []


@pytest.mark.parametrize("day", ["1970-01-01", "2026-11-20", "9998-12-31"])
def test_a_day_is_one_that_all_time_zones_have(day):
    assert msgspec.convert(day, Day) == day


@pytest.mark.parametrize("day", ["0001-01-01", "1969-12-31", "9999-01-01", "2026-11-2", "2026-11-20\n"])
def test_any_other_is_none(day):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(day, Day)


@pytest.mark.parametrize("days", ["from=0001-01-01&to=0001-01-02", "from=9999-12-30&to=9999-12-31"])
async def test_a_day_that_no_time_zone_has_is_refused_in_words(plane, days):
    answer = await plane.get(f"/api/spend?{days}")
    assert (answer.status, answer.code) == (400, "bad_query")
    assert "it is a day from 1970-01-01 to 9998-12-31" in answer.json["error"]["message"]


@pytest.mark.parametrize("days", ["from=1970-01-01&to=1970-01-02", "from=9998-12-30&to=9998-12-31"])
async def test_the_first_and_the_last_day_can_be_asked_for(plane, days):
    assert (await plane.get(f"/api/spend?{days}")).status == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/keys", {"name": "a", "models": ["m"] * 1001}),
        ("/api/keys", {"name": "a", "tags": [f"t{number}" for number in range(100_000)]}),
        ("/api/keys", {"name": "a", "budget": {"models": {f"m{number}": {} for number in range(1001)}}}),
        ("/api/keys", {"name": "a", "expires": "9999-12-31"}),
        ("/api/policy/rollback", {"version": "v" * 501}),
    ],
)
async def test_a_body_that_names_too_much_is_refused_before_it_is_looked_through(plane, path, body):
    answer = await plane.post(path, body, headers={"if-match": "v"})
    assert (answer.status, answer.code) == (400, "bad_body")
    assert "length <= " in answer.json["error"]["message"] or "a day from 1970" in answer.json["error"]["message"]
