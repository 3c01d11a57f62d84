"""Judges what machines received and what clients were told, against what the policies permit."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace

from prove.asks import Request, canaries, fetched
from prove.machines import HOMES, OWNED, SIGNATURE, Machine, signed
from prove.tally import Tally
from prove.worlds import Policy, homes_of, permitted


class Verdict:
    """Fills `tally`. `history` has the policies in the order in which they were in force."""

    def __init__(self, history: Sequence[Policy], tally: Tally) -> None:
        self._history = history
        self._tally = tally
        self._seen: dict[str, set[str]] = {}

    def judge(self, requests: Sequence[Request], machines: Iterable[Machine]) -> None:
        by_canary = {request.canary: request for request in requests}
        for machine in machines:
            self._seen[machine.name] = canaries(bytes(machine.received))
            self._tally.faults.update(+machine.suffered)
            for canary in self._seen[machine.name]:
                self._judge_recording(machine, by_canary[canary])
            for canary in fetched(bytes(machine.received)):
                self._judge_fetch(machine, by_canary[canary])
        for request in requests:
            self._tally.requests += 1
            self._tally.restricted += self.is_restricted(request)
            self._judge_answer(request)

    def is_restricted(self, request: Request) -> bool:
        return any(permitted(policy, request.ask) != policy["zones"].keys() for policy in self._in_force(request))

    def _in_force(self, request: Request) -> Sequence[Policy]:
        """All policies under which it was under way; to the end of time if it never was answered."""
        return self._history[request.sent_in : request.ended_in + 1 if request.status else None]

    def _allowed(self, request: Request) -> frozenset[str]:
        """Where it may go under any policy that was in force while it was under way."""
        homes: set[str] = set()
        for policy in self._in_force(request):
            real = homes_of(policy)
            allowed = {real[zone] for zone in permitted(policy, request.ask) if zone in real}
            if request.ledger_lost and policy["ledger"]["on_loss"] == "refuse":
                allowed &= OWNED
            homes |= allowed
        return frozenset(homes)

    def _stays(self, request: Request) -> bool:
        """Whether nothing of it may be known outside, be there a backend and money for it or not."""
        return all(
            policy["zones"][zone].get("owned", False)
            for policy in self._in_force(request)
            for zone in permitted(policy, request.ask)
        )

    def _judge_recording(self, machine: Machine, request: Request) -> None:
        self._tally.received[machine.home] += 1
        label, whose = (
            "restricted" if self.is_restricted(request) else "free",
            "own" if machine.home in OWNED else "cloud",
        )
        self._tally.surfaces[f"{request.ask.endpoint}: {label}, {whose}"] += 1
        allowed = self._allowed(request)
        if machine.home not in allowed:
            where = f"may go to {sorted(allowed)} only" if allowed else "may go nowhere"
            self._tally.leaks.append(f"{machine.name} received a request that {where}: {request.ask}")

    def _judge_fetch(self, machine: Machine, request: Request) -> None:
        """What it fetches from outside tells the outside."""
        self._tally.fetches += 1
        if self._stays(request):
            self._tally.leaks.append(f"{machine.name} was told to fetch from outside: {request.ask}")

    def _judge_answer(self, request: Request) -> None:
        told = request.headers.get("x-breakeven-zone")
        zone = None if told == "none" else told  # the gateway's own errors come from no zone
        if request.status == 200:
            self._judge_success(request, zone)
            return
        if self.is_restricted(request):
            self._tally.refused[_code(request)] += 1
        if "location" in request.headers:
            self._wrong(f"{request.status} sends the client past the gate", request)
        if zone is None and not is_error(request):
            self._wrong(f"{request.status} without an error object: {request.answer!r}", request)
        if zone is not None and not self._true_zone(request, zone, None):
            self._wrong(f"the error of zone {zone}, where it may not go", request)

    def _judge_success(self, request: Request, zone: str | None) -> None:
        signed = SIGNATURE.search(request.answer)
        machine = signed[1].decode() if signed else ""
        if machine and not request.ask.in_header and request.canary not in self._seen[machine]:
            self._wrong(f"the recording of {machine} lacks a request that it answered", request)
        label = "restricted, " if self.is_restricted(request) else ""
        self._tally.answered[label + (HOMES[machine] if machine else "cut")] += 1
        if end_is_invented(request, machine):
            self._wrong(f"a stream has an end that {machine or 'nobody'} did not write: {request.answer!r}", request)
        if not self._true_zone(request, zone, HOMES.get(machine)):
            self._wrong(f"answered by {machine or 'somebody'}, and told that it was the zone {zone}", request)

    def _true_zone(self, request: Request, zone: str | None, home: str | None) -> bool:
        """Whether it may be in that zone, and the machine that answered is really there."""
        asks = [request.ask, replace(request.ask, finding="")] if request.ask.in_header else [request.ask]
        return any(
            zone in permitted(policy, ask) and home in (None, homes_of(policy).get(zone))
            for policy in self._in_force(request)
            for ask in asks
        )

    def _wrong(self, what: str, request: Request) -> None:
        self._tally.wrongs.append(f"{what}: {request.ask}")


def end_is_invented(request: Request, machine: str) -> bool:
    """Whether it ends well without all that its machine writes before; when usage is told is up to the gateway."""
    sample = request.ask.sample
    if not request.ask.stream or request.adapted or sample.events is None or sample.end not in request.answer:
        return False
    written = [signed(event, machine) for event in sample.events(5, 5)]
    return any(event not in request.answer for event in written[: len(written) - sample.tail])


def is_error(request: Request) -> bool:
    """Whether its answer is an error as its surface has them."""
    try:
        return request.ask.sample.error(json.loads(request.answer))
    except ValueError:
        return False


def _code(request: Request) -> str:
    if is_error(request):
        error = json.loads(request.answer)["error"]
        return str(error.get("code") or error["type"])
    return f"HTTP {request.status} of a backend"
