"""Runs a client as it is, and looks at what it got and at what the ledger booked for it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from clients.answers import NOTE, SECRET
from clients.registry import NODE_MODULES, Client
from clients.things import THINGS
from clients.worlds import VLLM, World
from support.serving import eventually

LIMIT = 600.0
"""Seconds for all that one client does, on a machine that is busy with other things."""


@dataclass(frozen=True)
class Outcome:
    client: str
    world: str
    did: Sequence[str]
    """Things that came out as they should, by their names."""
    wrong: Sequence[str]
    requests: int
    """As the ledger has them."""


def play(client: Client, world: World, folder: Path) -> Outcome:
    """All that a client can do there; `folder` becomes its home."""
    things = [name for name in client.does if world.name != VLLM or THINGS[name].real]
    billed, complained = len(world.bill), len(world.complaints)
    folder.mkdir(parents=True)
    output, errors, code = _run(client, things, folder)
    got, failed = _told(output, client.snippet)
    wrong = [] if code == 0 else [f"it ended with {code}: {errors[-1500:]}"]
    did = []
    for name in (client.snippet, *things):
        if name in failed:
            wrong.append(f"{name}: {failed[name][:1500]}")
        elif name not in got:
            wrong.append(f"{name}: it did not tell")
        elif _as_it_should(name, got[name], world):
            did.append(name)
        else:
            wrong.append(f"{name}: it got {got[name][:500]!r}")
    wrong += list(_books(client, world, billed, len(did)))
    wrong += [f"the provider does not know {one}" for one in world.complaints[complained:]]
    return Outcome(client.name, world.name, did, wrong, len(world.booked(client.key)))


def _as_it_should(name: str, got: str, world: World) -> bool:
    return bool(got.strip()) if world.name == VLLM else THINGS[name].got in got


def _told(output: str, snippet: str) -> tuple[dict[str, str], dict[str, str]]:
    """What each thing got, and why others failed; the snippet prints what it got as it is, before all others."""
    got, failed, plain = {}, {}, []
    for line in output.splitlines():
        told = None
        with contextlib.suppress(ValueError):
            told = json.loads(line)
        if isinstance(told, dict) and "failed" in told:
            failed[told["did"]] = told["failed"]
        elif isinstance(told, dict) and "did" in told:
            got[told["did"]] = told["got"]
        else:
            plain.append(line)
    return {snippet: "\n".join(plain), **got}, failed


def _books(client: Client, world: World, billed: int, did: int) -> Iterator[str]:
    """What is wrong with what was booked."""

    def as_billed() -> bool:
        booked = [each for each in world.booked(client.key) if each["kind"] == "settled"]
        return len(booked) >= (did if world.name == VLLM else len(world.bill) - billed)

    with contextlib.suppress(AssertionError):
        eventually(as_billed)
    booked = world.booked(client.key)
    for each in booked:
        if each["kind"] != "settled" or each["error"] or each["status"] != 200:
            how = f"{each['endpoint']}, stream {each['stream']}: {each['reason']} {each['detail']}"
            yield f"booked as {each['kind']} with {each['status']}: {how}"
    if world.name == VLLM:
        if len(booked) < did - 2 or not any(each["output_tokens"] for each in booked):
            yield f"{len(booked)} requests were booked for {did} things"
        return
    bill = world.bill[billed:]
    priced = Counter((one.stream, one.tokens_in, one.tokens_out) for one in bill if one.tokens_in)
    told = Counter((one["stream"], one["input_tokens"], one["output_tokens"]) for one in booked if not one["estimated"])
    if missing := priced - told:
        yield f"billed and not booked: {sorted(missing)}; booked: {sorted(told - priced)}"
    if len(booked) != len(bill):
        yield f"{len(booked)} requests were booked, {len(bill)} billed"


def _run(client: Client, things: Sequence[str], home: Path) -> tuple[str, str, int]:
    """Standard output, standard error and the exit status; -9 for one that was ended."""
    for path, content in client.home.items():
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_text(content)
    (home / NOTE).write_text(SECRET + "\n")
    process = subprocess.Popen(
        [*client.program, *things],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=home,
        env=_environment(client, home),
        start_new_session=True,
    )
    try:
        output, errors = process.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, errors = process.communicate()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    return output, errors, process.returncode


def _environment(client: Client, home: Path) -> dict[str, str]:
    """Nothing of whoever runs this, and a home that is empty."""
    node = shutil.which("node") or "node"
    programs = (str(client.bin), str(NODE_MODULES / ".bin"), str(Path(node).parent), "/usr/bin", "/bin")
    folders = {"HOME": str(home), "TMPDIR": str(home), "XDG_CACHE_HOME": str(home / ".cache")}
    key = {f"{client.dialect}_API_KEY": client.secret}
    base = {"PATH": os.pathsep.join(programs), "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
    return {**base, **folders, **key, **client.url, **client.quiet, **client.quiet_for_all}
