"""What counters of limits must say, in any layout, worked out from totals and holds without the ledger's own code."""

from __future__ import annotations

import json
from collections import defaultdict

from msgspec import msgpack
from valkey import Valkey

PREFIX = "be:{ledger}:"
OWNED = ("local",)
_HOLDS = """
local found = {}
for _, value in ipairs(redis.call('HVALS', KEYS[1])) do
  local hold, counters = cmsgpack.unpack(string.sub(value, 2))
  found[#found + 1] = cjson.encode({string.sub(value, 1, 1), hold, counters})
end
return found
"""
_LOCAL, _BOTH = 1, 3
_COLUMN = {"usd": 0, "tokens": 1, "requests": 2}


def wrong_counters(client: Valkey) -> list[str]:
    """Names of counters and sums that are not what totals and holds say; of minutes only what they hold is known."""
    held, spent = _held(client), _spent(client)
    wrong = []
    for key in client.keys(f"{PREFIX}limit:*"):
        place = key.decode().removeprefix(PREFIX)
        for name, value in client.hgetall(key).items():
            unit = 1000 if value[0] == 0x93 and name.endswith(b"|usd") else 1
            used, *of_holds = (unit * figure for figure in msgpack.decode(value))
            right = _used(spent, place, name.decode(), used)
            if [used, *of_holds] != [right, *held.pop((place, name.decode()), (0, 0))]:
                wrong.append(f"{place} {name.decode()}")
    wrong += [" ".join(name) for name, sums in held.items() if any(sums)]
    return wrong + _wrong_sums(client, spent)


def _held(client: Valkey) -> dict[tuple[str, str], list[int]]:
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for key in client.keys(f"{PREFIX}hold:*"):
        for found in client.eval(_HOLDS, 1, key):
            sides, hold, counters = json.loads(found)
            local = int(sides) == _LOCAL
            unit = 1 if len(hold) > 15 else 1000
            amounts = (unit * (hold[6] if local else hold[5]), hold[3] + hold[4], 1, 1)
            risks = (unit * (hold[14] if local else hold[12]), hold[13], 0, 0)
            for counter_key, field, measure, side in counters:
                if side == 0 or int(sides) in (_BOTH, side):
                    sums[counter_key, field][0] += amounts[measure - 1]
                    sums[counter_key, field][1] += risks[measure - 1]
    return sums


def _spent(client: Valkey) -> dict[tuple[str, str], list[int]]:
    """By period and "scope|zone|model": money, tokens, requests."""
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for key in client.keys(f"{PREFIX}day:*"):
        day = key.decode().removeprefix(f"{PREFIX}day:")
        for cell, value in client.hgetall(key).items():
            _, zone, model, team, name = cell.decode().split("|")
            requests, _, input, _, output, cost, *_ = msgpack.decode(value)
            cost *= 1 if value[0] == 0xDD else 1000
            for period in (f"day:{day}", f"month:{day[:7]}"):
                for scope in ("global", f"team:{team}", f"key:{name}"):
                    for of in ("", model):
                        sum = sums[period, f"{scope}|{zone}|{of}"]
                        sum[:] = [sum[0] + cost, sum[1] + input + output, sum[2] + requests]
    return sums


def _used(spent: dict[tuple[str, str], list[int]], place: str, field: str, used: int) -> int:
    """As it is where totals do not say it."""
    period = place.removeprefix("limit:")
    scope, side, model, measure = field.split("|")
    if measure == "concurrent" or not period.startswith(("day:", "month:")):
        return used
    zones = {name.split("|")[1] for _, name in spent}
    wanted = [zone for zone in zones if side == "all" or (side == "local") == (zone in OWNED)]
    total = sum(spent.get((period, f"{scope}|{zone}|{model}"), (0, 0, 0))[_COLUMN[measure]] for zone in wanted)
    return max(0, total)


def _wrong_sums(client: Valkey, spent: dict[tuple[str, str], list[int]]) -> list[str]:
    wrong = []
    for key in client.keys(f"{PREFIX}spent:*"):
        period = key.decode().removeprefix(f"{PREFIX}spent:")
        for name, value in client.hgetall(key).items():
            money, *others = msgpack.decode(value)
            money *= 1 if value[0] == 0xDD else 1000
            if [money, *others] != spent.get((period, name.decode()), [0, 0, 0]):
                wrong.append(f"spent {period} {name.decode()}")
    return wrong
