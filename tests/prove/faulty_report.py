"""`make prove WHAT=faults`: plays every fault in every form and writes docs/faults.md.

    python -m tests.prove.faulty_report docs/faults.md
    python -m tests.prove.faulty_report --only usage --kinds cloud,own

It ends with 1 when anything is not as it has to be, and says what.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

TESTS = Path(__file__).parents[1]
sys.path.insert(0, str(TESTS))

from prove.faults import FAULTS, Fault  # noqa: E402
from prove.faulty_run import KINDS, Cell, Outcome, Played, cells_of, play  # noqa: E402
from prove.faulty_verdict import ANSWERED, CUT, DEADLINE, all_wrongs, saw, worth  # noqa: E402
from support.litellm import python_with_litellm  # noqa: E402

INTRODUCTION = """# What clients see when a backend fails

Made by `make prove WHAT=faults`, which plays {faults} faults against a whole gateway with default settings and writes
down what came of it: {cells} requests, each with a backend of its own. The model of a request has that backend
**alone**, or another one **beside** it which is well.

- *cloud* is a backend of kind `openai`, *own* one of kind `vllm`, *adapter* one of kind `litellm`, by the real litellm.
- *at once* is within two seconds. Nothing may end later than one second after {deadline:.0f} s (`retry.deadline`);
  streams go on for as long as words come.
- *2 tries* is how many attempts the ledger counted, where it was not one.
- *$72 for 70* is what was booked and what the backends would bill, in millionths of a dollar. Nothing may be booked
  below the bill.
- Memory, in MiB after the first round and after each of {rounds} more: {memory}.
- The last section has what this run found to be otherwise.
"""


OTHERWISE = "## Otherwise"


def document(outcome: Outcome, found: Sequence[str]) -> str:
    played = {each.cell.name: each for each in outcome.played}
    memory = "; ".join(
        f"{name.rpartition('.')[2]} {', '.join(f'{size:.0f}' for size in sizes)}"
        for name, sizes in outcome.memory.items()
    )
    rounds = max(map(len, outcome.memory.values()), default=1) - 2
    text = INTRODUCTION.format(faults=len(FAULTS), cells=len(played), deadline=DEADLINE, memory=memory, rounds=rounds)
    lines = [text]
    for group, faults in groupby(FAULTS, key=lambda fault: fault.group):
        lines += [f"## {group}", "", f"| fault | asked for | {' | '.join(KINDS)} |", f"|---|---|{'---|' * len(KINDS)}"]
        lines += [row for fault in faults for row in _rows(fault, played)]
        lines.append("")
    return "\n".join([*lines, otherwise(found)])


def otherwise(found: Sequence[str]) -> str:
    """The last section: what was not as it has to be."""
    told = [f"- {wrong}" for wrong in found if not wrong.startswith("asked again")]
    return "\n".join([OTHERWISE, "", *(told or ["Nothing."]), ""])


def _rows(fault: Fault, played: dict[str, Played]) -> Iterator[str]:
    for stream in (False, True):
        cells = [
            " <br> ".join(_told(played[Cell(fault, kind, stream, beside).name]) for beside in (False, True))
            for kind in KINDS
        ]
        name = fault.name if not stream else ""
        yield f"| {name} | {'stream' if stream else 'answer'} | {' | '.join(cells)} |"


def _told(played: Played) -> str:
    seen, booked, bill = played.seen, played.booked, played.bill
    told = saw(seen, played.cell.stream)
    what = {ANSWERED: "answer", CUT: "cut"}.get(told, told)
    if what == "answer" and bill.spare:
        what = "the other's answer"
    when = "at once" if seen.ended < 2 else f"{seen.ended:.0f} s"
    tries = f", {booked.attempts} tries" if booked.attempts > 1 else ""
    money = f"; ${worth(booked)} for {worth(bill)}" if worth(booked) or worth(bill) else ""
    return f"{'beside' if played.cell.beside else 'alone'}: {what}, {when}{tries}{money}"


def faults_of(document: str) -> list[str]:
    """The names in the document's tables, in order."""
    rows = [line.split(" | ")[0].removeprefix("| ") for line in document.splitlines() if " | answer | " in line]
    return [name.strip() for name in rows]


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("document", nargs="?", default="")
    parser.add_argument("--only", default="", help="groups or faults whose names contain this")
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--quick", action="store_true", help="leave out what takes long")
    options = parser.parse_args(arguments)
    chosen = [fault for fault in FAULTS if options.only.lower() in f"{fault.group} {fault.name}".lower()]
    cells = cells_of([fault for fault in chosen if not (options.quick and fault.slow)], options.kinds.split(","))
    outcome = play(cells, python_with_litellm())
    found = all_wrongs(outcome)
    print(f"{len(cells)} requests in {outcome.seconds:.0f} s, memory {dict(outcome.memory)}, {len(found)} wrong:")
    for wrong in found:
        print(f"  {wrong}")
    if options.document and len(outcome.played) == len(cells_of(FAULTS)):
        Path(options.document).write_text(document(outcome, found))
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
