"""What scripts know of Python's tables is the same in Lua."""

from __future__ import annotations

import msgspec
import pytest

from router.core.limits.amounts import at_risk, held_by
from router.core.limits.counters import Hold
from router.core.limits.measures import MEASURES
from router.core.values import Cell, Row
from router.ledger.record import FIELDS, VERSION, Record
from router.ledger.scripts.prelude import prelude

CELL = Cell("api", "cloud", "chat", "search", "app")
HOLD = Hold("id", CELL, 0.0, 900.0, 10, 100, 5000, True, cost_at_risk=300, tokens_at_risk=40)
IN_LUA = "{cost = 5000, input = 10, output = 100, cost_at_risk = 300, tokens_at_risk = 40, counted = {}}"


@pytest.fixture
def evaluated(server):
    """The value of a Lua expression, with the prelude before it."""

    def evaluate(expression: str) -> object:
        return msgspec.msgpack.decode(server.client.eval(f"{prelude()} return cmsgpack.pack({expression})", 0))

    return evaluate


def test_a_hold_takes_and_risks_the_same(evaluated):
    assert tuple(evaluated(f"amounts_held({IN_LUA})")) == held_by(HOLD, False)
    assert tuple(evaluated(f"amounts_at_risk({IN_LUA})")) == at_risk(HOLD, False)


def test_the_same_measures_are_standing(evaluated):
    for number, measure in enumerate(MEASURES, 1):
        assert evaluated(f"is_standing({number})") == measure.standing


def test_totals_have_the_columns_of_a_row_and_former_ones_lack_the_last(evaluated):
    columns = len(Row.__struct_fields__) - 1
    every = ", ".join(map(str, range(1, columns + 1)))
    assert evaluated(f"{{cmsgpack.unpack(new_totals({{{every}}}))}}") == list(range(1, columns + 1))
    former = evaluated(f"{{cmsgpack.unpack(added_totals({{{every}}}, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1))}}")
    assert former == [n + (n <= 10) for n in range(1, columns + 1)]
    assert evaluated("NO_TOTALS") == [0] * columns


def test_totals_say_what_was_used(evaluated):
    used = dict(zip(evaluated("USED"), evaluated("{used_of({1, 0, 10, 4, 50, 900, 1, 0, 0, 0})}"), strict=True))
    assert used == {"usd": 900, "tokens": 60, "requests": 1}


def test_a_held_record_has_what_a_hold_tells_and_else_nothing(server):
    held = [name for name, field in FIELDS.items() if field.held]
    told = ", ".join(f"['{name}'] = '{name}'" for name in held)
    packed = server.client.eval(f"{prelude()} return held_record({{{told}}})", 0)
    empty = msgspec.structs.asdict(Record("", "", 0.0, "", "", "", version=VERSION)) | {"tags": []}
    expected = empty | {name: name for name in held}
    values, last = msgspec.msgpack.decode(packed), max(map(list(FIELDS).index, held))
    assert values == list(expected.values())[: last + 1]
