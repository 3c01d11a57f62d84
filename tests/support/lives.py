"""For how long the process of a unit was there, as the system has it."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

from router.power.drivers.process import NAME
from router.power.drivers.programs import last_run, running


def age_of(pid: int) -> float:
    """Seconds since a process began, as the system has it."""
    began = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
    return float(Path("/proc/uptime").read_text().split()[0]) - began


class Lives:
    """For how long vLLM's process was there, each time, as seen from outside."""

    def __init__(self, folder: Path) -> None:
        self.seconds: dict[int, float] = {}
        self._folder = folder
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _watch(self) -> None:
        while not self._stop.wait(0.02):
            found = last_run(self._folder, NAME)
            if found is not None and running(found):
                began = time.monotonic() - self.seconds.get(found.pid, age_of(found.pid))
                while running(found) and not self._stop.wait(0.02):
                    self.seconds[found.pid] = time.monotonic() - began

    def end(self) -> None:
        self._stop.set()
        self._thread.join()
