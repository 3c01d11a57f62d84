from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
from support.serving import eventually

from router.power.drivers.begin import BUSY, CANNOT_RUN, UNWANTED, Ending, Order, Run, ending_of, file_of, log_of
from router.power.drivers.process import NAME
from router.power.drivers.process_identity import identity_of
from router.power.drivers.programs import last_run

WAIT = (sys.executable, "-c", "import time; print('here', flush=True); time.sleep(600)")


def begin(folder: Path, *command: str, name: str = NAME, **fields: Any) -> subprocess.CompletedProcess[bytes]:
    folder.mkdir(exist_ok=True)
    given = {"environment": {}, "name": name, "mark": "mark", "at": 1.0, "detached": True, "terms": "t"} | fields
    order = Order(command=command, folder=str(folder), **given)
    return subprocess.run(
        [sys.executable, "-P", "-m", "router.power.drivers.begin"],
        input=msgspec.json.encode(order),
        capture_output=True,
        check=False,
        timeout=60,
    )


def test_what_is_to_outlive_us_runs_on_its_own(folder: Path) -> None:
    assert begin(folder, *WAIT).returncode == 0
    found = last_run(folder, NAME)
    assert found is not None and 0 < time.time() - found.began < 60
    assert found == Run(found.pid, identity_of(found.pid), "mark", 1.0, "t", found.began)
    assert eventually(log_of(folder, NAME).read_text) == "here\n"


def test_when_it_ended_is_written_down_though_nobody_looks(folder: Path) -> None:
    begin(folder, sys.executable, "-c", "import time; time.sleep(1)")
    found = last_run(folder, NAME)
    assert found is not None
    eventually(lambda: not identity_of(found.pid))
    gone = time.time()
    eventually(ending_of(folder, NAME).exists)
    ending = msgspec.json.decode(ending_of(folder, NAME).read_bytes(), type=Ending)
    assert ending.mark == "mark" and found.began + 1 <= ending.at <= gone + 1


def test_there_is_one_at_a_time(folder: Path) -> None:
    begin(folder, *WAIT)
    found = last_run(folder, NAME)
    again = begin(folder, *WAIT, at=2.0)
    assert again.returncode == 0 and last_run(folder, NAME) == found
    assert begin(folder, *WAIT, detached=False).returncode == BUSY


def test_what_was_asked_for_by_somebody_who_is_gone_is_not_begun(folder: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert begin(folder, *WAIT, asker=gone.pid).returncode == UNWANTED
    assert last_run(folder, NAME) is None
    assert begin(folder, *WAIT, asker=os.getpid()).returncode == 0
    assert last_run(folder, NAME) is not None


def test_the_file_is_there_before_the_program_does_anything(folder: Path) -> None:
    read = f"import pathlib; print(pathlib.Path({str(file_of(folder, 'look'))!r}).read_text())"
    begun = begin(folder, sys.executable, "-c", read, name="look", detached=False)
    assert begun.returncode == 0 and json.loads(begun.stdout)["mark"] == "mark"


def test_what_cannot_be_started_leaves_no_file(folder: Path) -> None:
    for detached in (True, False):
        begun = begin(folder, "/nowhere/vllm", detached=detached)
        assert begun.returncode == CANNOT_RUN and begun.stderr == b"/nowhere/vllm: No such file or directory\n"
        assert not file_of(folder, NAME).exists()
    begin(folder, *WAIT)
    assert last_run(folder, NAME) is not None, "the lock was given back"


def test_an_order_that_was_cut_off_begins_nothing(folder: Path) -> None:
    folder.mkdir()
    started = time.monotonic()
    cut = subprocess.run(
        [sys.executable, "-P", "-m", "router.power.drivers.begin"], input=b'{"command": ["to', capture_output=True
    )
    assert cut.returncode == 1 and list(folder.iterdir()) == [] and time.monotonic() - started < 60


def test_a_new_log_for_each_run(folder: Path) -> None:
    for word in ("first", "second"):
        begin(folder, sys.executable, "-c", f"print({word!r})")
        eventually(lambda word=word: log_of(folder, NAME).read_text() == f"{word}\n")
        eventually(lambda: not identity_of(last_run(folder, NAME).pid))
    assert (folder / "vllm.log.1").read_text() == "first\n"
