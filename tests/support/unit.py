"""A unit as a machine somewhere would be: `python unit.py start|stop|look FOLDER PORT`.

It notes each start in FOLDER/starts. What it starts outlives whoever called it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path


def main(action: str, folder: Path, port: str) -> None:
    file = folder / "pid"
    if action == "look":
        print("on" if _alive(file) else "off")
    elif action == "start" and not _alive(file):
        with (folder / "starts").open("a") as starts:
            starts.write("start\n")
        keeper = [sys.executable, __file__, "keep", str(folder), port]
        kept = subprocess.Popen(
            keeper,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        file.write_text(str(kept.pid))
    elif action == "stop" and _alive(file):
        os.killpg(int(file.read_text()), signal.SIGKILL)
        file.unlink()
    elif action == "keep":
        quick = ("--tokens-per-second", "20000", "--first-token", "0")
        subprocess.run([sys.executable, "-m", "router.simulate", "--kind", "vllm", "--port", port, *quick], check=False)


def _alive(file: Path) -> bool:
    try:
        state = Path(f"/proc/{file.read_text()}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in ("Z", "X")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
