"""The Lua that stands before every script: what Python has in tables, and the scripts have to know as well."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import fields

from router.core.limits.measures import COUNTED, MEASURES, NUMBERS, Basis
from router.core.values import Row
from router.ledger.record import FIELDS, VERSION, Record

_HELD: Mapping[Basis, str] = {"money": "hold.cost", "tokens": "hold.input + hold.output", "each": "1"}
_AT_RISK: Mapping[Basis, str] = {"money": "hold.cost_at_risk", "tokens": "hold.tokens_at_risk", "each": "0"}
"""From what `read_hold` of common.lua makes of a packed hold."""
_COLUMNS = Row.__struct_fields__[1:]
_FIRST_COLUMNS = 10
"""All totals have these."""


def prelude() -> str:
    return "\n".join((*_records(), *_totals(), *_measures(), ""))


def _records() -> Iterable[str]:
    yield "-- The record of a hold, packed, from a table of what a hold tells; the other fields are empty, or left out."
    empty = {field.name: field.default for field in fields(Record)} | {"version": VERSION}
    last = max(number for number, field in enumerate(FIELDS.values(), 1) if field.held)
    fields_to_last = list(FIELDS.items())[:last]
    values = [f"of['{name}']" if field.held else _literal(empty[name]) for name, field in fields_to_last]
    yield f"local function held_record(of) return cmsgpack.pack({{{', '.join(values)}}}) end"


def _totals() -> Iterable[str]:
    """A column that is new is missing in totals of before."""
    number = len(_COLUMNS)
    old = ", ".join(f"n{n}" for n in range(1, number + 1))
    added = ", ".join(f"{f'n{n}' if n <= _FIRST_COLUMNS else f'(n{n} or 0)'} + c[{n}]" for n in range(1, number + 1))
    yield "-- Totals as they are kept, behind their header: new ones, and former ones with some added."
    yield f"local TOTALS = '\\221\\0\\0\\0\\{number}'"
    yield f"local function new_totals(c) return cmsgpack.pack({', '.join(f'c[{n}]' for n in range(1, number + 1))}) end"
    yield f"local function added_totals(c, {old}) return cmsgpack.pack({added}) end"
    yield f"local NO_TOTALS = {{{', '.join('0' * number)}}}"


def _measures() -> Iterable[str]:
    from_totals = [measure for measure in MEASURES if measure.totals]
    yield "-- What a hold takes and may take beyond that, by the number of the measure."
    yield f"local function amounts_held(hold) return {{{', '.join(_amounts(_HELD, 'hold.counted[{}] or 0'))}}} end"
    yield f"local function amounts_at_risk(hold) return {{{', '.join(_amounts(_AT_RISK, '0'))}}} end"
    yield "-- What is held by running requests, and never used."
    standing = [f"measure == {number}" for number, measure in enumerate(MEASURES, 1) if measure.standing]
    yield f"local function is_standing(measure) return {' or '.join(standing)} end"
    yield "-- What totals say was used, and of which measures."
    sums = [" + ".join(f"c[{_COLUMNS.index(name) + 1}]" for name in measure.totals) for measure in from_totals]
    yield f"local function used_of(c) return {', '.join(sums)} end"
    yield f"local USED = {{{', '.join(_literal(measure.name) for measure in from_totals)}}}"
    places = [f"[{_literal(measure.name)}] = {place}" for place, measure in enumerate(from_totals, 1)]
    yield f"local COLUMN_USED = {{{', '.join(places)}}}"
    money = next(measure.name for measure in MEASURES if measure.basis == "money")
    yield "-- The number of money, and how fields of counters in money end."
    yield f"local MONEY, MONEY_FIELD = {NUMBERS[money]}, '|{money}$'"


def _amounts(of: Mapping[Basis, str], counted: str) -> Iterable[str]:
    for measure in MEASURES:
        if measure.basis == "counted":
            yield counted.format(COUNTED.index(measure.counted) + 1)
        else:
            yield of[measure.basis]


def _literal(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case str():
            return f"'{value}'"
        case _:
            return "{}"
