"""What the ledger says of each request, read from the server without the ledger's own code for totals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from msgspec import Struct
from valkey import Valkey

from router.ledger.record import Record, unpack_records
from router.ledger.redis_keys import unpack_row

PREFIX = "be:{ledger}:"
_HELD = """
local found = {}
local buckets = redis.call('KEYS', 'be:{ledger}:hold:*')
for i = 1, #buckets do
  local flat = redis.call('HGETALL', buckets[i])
  for j = 1, #flat, 2 do
    local hold = cmsgpack.unpack(string.sub(flat[j + 1], 2))
    found[#found + 1] = {hold[5], hold[6], hold[4]}
  end
end
local answer = {}
for i = 1, #found do
  for k = 1, 3 do answer[#answer + 1] = string.format('%.0f', found[i][k]) end
end
return answer
"""


class Hold(Struct, frozen=True):
    output: int
    cost: int
    input: int


@dataclass
class Account:
    """Of one request: what was settled of it, what its lease was charged, and what is still held."""

    settled: list[Record] = field(default_factory=list)
    charged: list[Record] = field(default_factory=list)
    """Charges that were not taken back."""
    held: list[Hold] = field(default_factory=list)

    @property
    def times(self) -> int:
        """How often it counts, or will once its lease has run out."""
        return len(self.settled) + len(self.charged) + len(self.held)


class Told(Struct):
    """All that the ledger says."""

    accounts: dict[int, Account]
    """By marker."""
    nothing: list[Record]
    """Of requests that nobody answered: no tokens, no cost."""
    totals: dict[str, int]
    """Columns of all cells and days."""
    sums: dict[str, int]
    """The same, from the records."""


def read(client: Valkey) -> Told:
    accounts: dict[int, Account] = defaultdict(Account)
    nothing, charges, sums = [], defaultdict(list), dict.fromkeys(_COLUMNS, 0)
    for record in _records(client):
        _add(sums, record)
        if record.kind in ("held", "lifted"):
            charges[record.id].append(record)
        elif record.kind not in ("refused", "attempt"):
            (accounts[record.output // 2].settled if record.output else nothing).append(record)
    for told in charges.values():
        balance = sum(1 if record.kind == "held" else -1 for record in told)
        assert balance in (0, 1), f"charged {balance} times: {told}"
        if balance:
            accounts[told[0].output // 2].charged.append(told[0])
    figures = [int(each) for each in client.eval(_HELD, 0)]
    for output, cost, input in zip(figures[::3], figures[1::3], figures[2::3], strict=True):
        accounts[output // 2].held.append(Hold(output, cost, input))
    return Told(accounts, nothing, _totals(client), sums)


_COLUMNS = ("requests", "cost", "input", "output", "unsettled", "unheld")


def _add(sums: dict[str, int], record: Record) -> None:
    sign = {"settled": 1, "unheld": 1, "attempt": 1, "held": 1, "lifted": -1}.get(record.kind, 0)
    lease = record.kind in ("held", "lifted")
    figures = (
        int(record.kind != "attempt"),
        record.cost,
        record.input,
        record.output,
        int(lease),
        int(record.kind == "unheld"),
    )
    for column, figure in zip(_COLUMNS, figures, strict=True):
        sums[column] += sign * figure


def _records(client: Valkey) -> Iterable[Record]:
    for _, fields in client.xrange(PREFIX + "requests"):
        yield from unpack_records(fields[b"b"])


def _totals(client: Valkey) -> dict[str, int]:
    totals = dict.fromkeys(_COLUMNS, 0)
    for key in client.keys(PREFIX + "day:*"):
        for cell, value in client.hgetall(key).items():
            row = unpack_row(cell, value)
            for column in _COLUMNS:
                totals[column] += getattr(row, column)
    return totals
