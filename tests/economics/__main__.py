"""`make economics`: has `breakeven simulate`'s loop play all weeks and bursts and writes docs/economics.md.

    python -m tests.economics docs/economics.md

It ends with 1 when a bound is broken.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.economics.page import Beside, bounds, document
from tests.economics.run import BURSTS, burst, cases, demands, example, furthest_apart, other_strategies, rough_cases


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.economics", description=__doc__)
    parser.add_argument("page", type=Path, help="docs/economics.md")
    asked = parser.parse_args()
    played = []
    for case in cases(demands()):
        played.append(case)
        if len(played) % 50 == 0:
            print(f"{len(played)} weeks played, the last one {case.demand}", flush=True)
    burst_days = [burst(seed) for seed in BURSTS]
    beside = Beside(list(rough_cases()), list(other_strategies()), furthest_apart())
    asked.page.write_text(document(played, beside, burst_days, example()))
    found = bounds(played, burst_days)
    for bound in found:
        print(f"{'' if bound.holds else 'BROKEN: '}{bound.says}: {bound.value:.3f} of {bound.most:.2f}")
    return 0 if all(bound.holds for bound in found) else 1


if __name__ == "__main__":
    sys.exit(main())
