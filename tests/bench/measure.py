"""One round of one proxy: start, check, load, stop."""

from __future__ import annotations

import http.client
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.bench import checks, load, procs, traffic
from tests.bench.peers import HOME, Peer, Place

STARTUP_LIMIT = 90.0
_SETTLE = 0.5
"""Seconds after a load for work that a proxy put off."""
_CONNECTIONS_PER_REQUEST = 0.02


class RoundError(Exception):
    """A proxy could not be measured; the message says why."""


@dataclass(frozen=True)
class Sizes:
    """How long each part runs (seconds), and how much goes on at once."""

    warm_up: int = 2
    plain: int = 4
    light: int = 4
    streams: float = 3.0
    connections: int = 64
    light_connections: int = 4
    light_pause_ms: int = 50
    open_streams: int = 200


@dataclass(frozen=True)
class Light:
    """What a client sees when the proxy is not busy: latency of plain requests, and of streams."""

    p50_ms: float
    p99_ms: float
    stream_first_byte_ms: float


@dataclass(frozen=True)
class Round:
    startup_s: float
    identical: bool
    """Whether answers were the upstream's byte for byte."""
    cpu_us: float
    """Per plain request."""
    per_second: float
    busy: float
    """CPU time of the tree per second of the plain load."""
    foreign: float
    """CPU time that others took from the proxy's CPU, per second of the plain load."""
    loaded_p99_ms: float
    connections_per_1000: float
    stream_cpu_us: float
    event_cpu_us: float
    stream_p99_ms: float
    worker_mib: float
    tree_mib: float
    processes: int
    light: Light


def direct_round(upstream_port: int, sizes: Sizes) -> Light:
    """What the load generators see without a proxy."""
    light = load.plain(upstream_port, "none", sizes.light_connections, sizes.light, sizes.light_pause_ms)
    streams = load.streams(upstream_port, "none", sizes.open_streams, sizes.streams)
    return Light(light.p50_ms, light.p99_ms, streams.first_byte_p50_ms)


def peer_round(peer: Peer, upstream_port: int, sizes: Sizes) -> Round:
    """Starts the peer, checks it, measures it and stops it. Raises RoundError."""
    HOME.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{peer.name}-", dir=HOME))
    place = Place(procs.free_port(), upstream_port, folder)
    already = load.counts(upstream_port).requests
    begun = time.perf_counter()
    tree = procs.Tree(peer.command(place), procs.PROXY_CPU, folder / "log", peer.environment(place))
    try:
        startup = _wait_for_answer(tree, peer, place, begun)
        return _measure(tree, peer, place, startup, already, sizes)
    except (load.LoadError, traffic.WrongAnswerError, OSError, http.client.HTTPException) as error:
        raise RoundError(f"{error} (its log ends: {tree.last_words()})") from error
    finally:
        tree.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for_answer(tree: procs.Tree, peer: Peer, place: Place, begun: float) -> float:
    """Seconds from spawn to the first right answer."""
    why = "no answer"
    while time.perf_counter() - begun < STARTUP_LIMIT:
        if not tree.running:
            raise RoundError(f"it ended while starting: {tree.last_words()}")
        try:
            checks.right_answer(place.port, peer.key)
            return time.perf_counter() - begun
        except (OSError, http.client.HTTPException, traffic.WrongAnswerError) as error:
            why = str(error)
        time.sleep(0.005)
    raise RoundError(f"no right answer within {STARTUP_LIMIT:.0f} s: {why}; its log ends: {tree.last_words()}")


def _check(peer: Peer, place: Place) -> bool:
    """All checks; True when answers are the upstream's byte for byte."""
    identical = checks.right_answer(place.port, peer.key)
    if peer.renames_model:
        checks.renames_model(place.upstream_port)
    checks.right_stream(place.port, peer.key)
    if peer.checks_keys:
        checks.refuses_wrong_keys(place.port)
    checks.keeps_connections(place.port, peer.key, place.upstream_port)
    peer.verify_fresh(place)
    return identical


def _measure(tree: procs.Tree, peer: Peer, place: Place, startup: float, already: int, sizes: Sizes) -> Round:
    identical = _check(peer, place)
    load.plain(place.port, peer.key, sizes.connections, sizes.warm_up)
    _wait_until_quiet(place.upstream_port)
    plain = _plain(tree, peer, place, sizes)
    light = load.plain(place.port, peer.key, sizes.light_connections, sizes.light, sizes.light_pause_ms)
    before = tree.cpu_seconds()
    streams = load.streams(place.port, peer.key, sizes.open_streams, sizes.streams)
    time.sleep(_SETTLE)
    stream_cpu = (tree.cpu_seconds() - before) * 1e6
    peer.verify_loaded(place, load.counts(place.upstream_port).requests - already)
    memory = tree.memory()
    return Round(
        startup_s=startup,
        identical=identical,
        cpu_us=plain.cpu / plain.requests * 1e6,
        per_second=plain.requests / plain.seconds,
        busy=plain.cpu / plain.seconds,
        foreign=max(0.0, plain.cpu_of_all - plain.cpu) / plain.seconds,
        loaded_p99_ms=plain.whole.p99_ms,
        connections_per_1000=plain.connections / plain.whole.requests * 1e3,
        stream_cpu_us=stream_cpu / streams.streams,
        event_cpu_us=stream_cpu / streams.events,
        stream_p99_ms=streams.whole_p99_ms,
        worker_mib=memory.worker,
        tree_mib=memory.tree,
        processes=memory.processes,
        light=Light(light.p50_ms, light.p99_ms, streams.first_byte_p50_ms),
    )


@dataclass(frozen=True)
class _Sample:
    """Counters at one moment of a load."""

    at: float
    cpu: float
    cpu_of_all: float
    requests: int
    connections: int


@dataclass(frozen=True)
class _Plain:
    """What happened between two samples in the middle of a load, and over the whole of it."""

    seconds: float
    cpu: float
    cpu_of_all: float
    requests: int
    connections: int
    whole: load.Plain


def _sample(tree: procs.Tree, upstream_port: int) -> _Sample:
    counted = load.counts(upstream_port)
    return _Sample(
        at=time.perf_counter(),
        cpu=tree.cpu_seconds(),
        cpu_of_all=procs.busy_seconds(procs.PROXY_CPU),
        requests=counted.requests,
        connections=counted.connections,
    )


def _wait_until_quiet(upstream_port: int) -> None:
    """A slow proxy goes on for a while with what the load generator has left."""
    seen = -1
    while (now := load.counts(upstream_port).requests) != seen:
        seen = now
        time.sleep(_SETTLE)


def _plain(tree: procs.Tree, peer: Peer, place: Place, sizes: Sizes) -> _Plain:
    """Samples while the load goes on: in that steady state, requests under way and work put off cancel out."""
    before = load.counts(place.upstream_port)
    running = load.PlainLoad(place.port, peer.key, sizes.connections, sizes.plain + 1)
    time.sleep(0.5)
    first = _sample(tree, place.upstream_port)
    time.sleep(sizes.plain)
    last = _sample(tree, place.upstream_port)
    whole = running.result()
    _wait_until_quiet(place.upstream_port)
    after = load.counts(place.upstream_port)
    _compare(whole, after.requests - before.requests, after.connections - before.connections, sizes)
    return _Plain(
        seconds=last.at - first.at,
        cpu=last.cpu - first.cpu,
        cpu_of_all=last.cpu_of_all - first.cpu_of_all,
        requests=last.requests - first.requests,
        connections=after.connections - before.connections,
        whole=whole,
    )


def _compare(whole: load.Plain, requests: int, connections: int, sizes: Sizes) -> None:
    """Every answer came from the upstream, asked for once, over connections that were kept."""
    if not 0 <= requests - whole.requests <= sizes.connections:
        raise RoundError(f"the client got {whole.requests} answers, the upstream gave {requests}")
    if connections > sizes.connections + requests * _CONNECTIONS_PER_REQUEST:
        raise RoundError(f"it opened {connections} upstream connections for {requests} requests")
