"""How quickly the gateway starts, and what it weighs: `python tests/app/measure_startup.py [serve's arguments]`.

Figures for people; nothing is asserted, because they depend on the machine.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.serving import Serving, rss_mib

RUNS = 5


def measure(arguments: list[str]) -> tuple[float, float, dict[str, float]]:
    """Seconds from spawn to the greeting and to the first answer, and MiB by process."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        serving = Serving(Path(folder) / "data", arguments).start()
        greeted = time.perf_counter() - began
        assert serving.ask(max_tokens=1).status == 200
        answered = time.perf_counter() - began
        sizes = {child.command.split("-m ")[-1][:30]: rss_mib(child.pid) for child in serving.children()}
        sizes["supervisor"] = rss_mib(serving.pid)
        serving.stop()
    return greeted, answered, sizes


def main() -> None:
    runs = [measure(sys.argv[1:]) for _ in range(RUNS)]
    for name, figures in (("ready", [run[0] for run in runs]), ("first answer", [run[1] for run in runs])):
        print(
            f"{name}: median {statistics.median(figures):.2f} s, best {min(figures):.2f} s, worst {max(figures):.2f} s"
        )
    for name, size in runs[-1][2].items():
        print(f"{name}: {size:.0f} MiB")


if __name__ == "__main__":
    main()
