"""What the ledger runs on, all of it real: embedded Valkey, redis-server, a pair with sentinels, a cluster."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from valkey import Valkey
from valkey.exceptions import ConnectionError as ValkeyConnectionError
from valkey.exceptions import ValkeyError

from router.ledger.server.discovery import slot_of
from router.ledger.server.embedded import EmbeddedServer

MASTER = "mymaster"
LEDGER_SLOT = slot_of("be:{ledger}:")
_NEVER = 600_000
"""Milliseconds after which a frozen server of a shared engine is replaced: never within a test."""
_EMPTY = ("--save", "", "--repl-diskless-sync-delay", "0")


class Server:
    """An engine. `pid` and `client`, a plain one for looking from outside, are of the server that the ledger is on."""

    def __init__(self, url: str, pid: int, client: Valkey | None = None) -> None:
        self.url, self.pid = url, pid
        self.client = client or Valkey.from_url(url)

    def script_calls(self) -> int:
        return self.client.info("commandstats").get("cmdstat_evalsha", {}).get("calls", 0)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        with frozen(self.pid):
            yield


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@dataclass
class Node:
    """One redis-server process on a port of loopback."""

    port: int
    process: subprocess.Popen[bytes]
    client: Valkey

    @property
    def pid(self) -> int:
        return self.process.pid

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@dataclass
class Pair:
    """A master and its replica, with three sentinels that are agreed on them."""

    servers: list[Node]
    sentinels: list[Node]
    login: str = ""
    options: str = ""

    @property
    def url(self) -> str:
        return self.url_by(*self.sentinels)

    def url_by(self, *sentinels: Node, master: str = MASTER) -> str:
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in sentinels)
        return f"redis+sentinel://{self.login}{hosts}/{master}{self.options}"

    def is_level(self) -> bool:
        """Whether the replica has all that the master was told."""
        told, has = (node.client.info("replication") for node in self.servers)
        return told["master_repl_offset"] == has["slave_repl_offset"]

    def role(self, node: Node) -> str:
        """Empty when it does not say: sentinels disconnect everybody from a server that they demote."""
        try:
            return node.client.role()[0].decode()
        except ValkeyConnectionError:
            return ""


@dataclass
class Cluster:
    """Three masters; the ledger's slot is on the second one, and the URL begins with the first."""

    nodes: list[Node]

    @property
    def url(self) -> str:
        return self.url_by(*self.nodes)

    def url_by(self, *nodes: Node) -> str:
        return "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in nodes)

    @property
    def owner(self) -> Node:
        return self.nodes[1]

    def id_of(self, node: Node) -> bytes:
        return _cluster(node, "MYID")

    def move_slot(self, source: Node, target: Node) -> None:
        """Moves the ledger's slot, with its keys, as resharding tools do."""
        target_id = self.id_of(target)
        _cluster(target, "SETSLOT", LEDGER_SLOT, "IMPORTING", self.id_of(source))
        _cluster(source, "SETSLOT", LEDGER_SLOT, "MIGRATING", target_id)
        while keys := source.client.execute_command("CLUSTER GETKEYSINSLOT", LEDGER_SLOT, 100):
            source.client.execute_command("MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "KEYS", *keys)
        for node in (target, source, *self.nodes):
            _cluster(node, "SETSLOT", LEDGER_SLOT, "NODE", target_id)


@contextmanager
def embedded(folder: Path) -> Iterator[Server]:
    server = EmbeddedServer(folder)
    url = server.start()
    try:
        yield Server(url, server.pid)
    finally:
        server.stop()


@contextmanager
def redis_server(folder: Path) -> Iterator[Server]:
    path = folder / "redis.sock"
    process = _spawn(folder, "--port", "0", "--unixsocket", str(path), "--save", "")
    try:
        while not _listens(path):
            assert process.poll() is None, "redis-server did not start"
            time.sleep(0.005)
        yield Server(f"unix://{path}", process.pid)
    finally:
        process.terminate()
        process.wait()


@contextmanager
def sentinel_pair(folder: Path, *, lost_after_ms: int = _NEVER, password: str = "") -> Iterator[Pair]:
    """Ready for a failover. With a password, the servers and (another one) the sentinels ask for it."""
    with ExitStack() as stack:
        login = ("--requirepass", password, "--masterauth", password) if password else ()
        master = _start(stack, folder / "master", *_EMPTY, *login, password=password)
        following = ("--replicaof", f"127.0.0.1 {master.port}")
        replica = _start(stack, folder / "replica", *_EMPTY, *login, *following, password=password)
        wait_for(lambda: master.client.info("replication")["slave0"]["state"] == "online")
        sentinels = [
            _start_sentinel(stack, folder / f"sentinel{n}", master.port, lost_after_ms, password) for n in range(3)
        ]
        for sentinel in sentinels:
            wait_for(lambda sentinel=sentinel: _knows_everybody(sentinel))
        for sentinel in sentinels:
            sentinel.client.execute_command("SENTINEL DEBUG", *_PATIENCE)
        if not password:
            yield Pair([master, replica], sentinels)
        else:
            yield Pair([master, replica], sentinels, f":{password}@", f"?sentinel_password={password}2")


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    with ExitStack() as stack:
        nodes = []
        for n in range(3):
            bus = free_port()
            member = ("--cluster-enabled", "yes", "--cluster-port", str(bus), "--cluster-node-timeout", str(_NEVER))
            nodes.append(_start(stack, folder / f"node{n}", *_EMPTY, *member))
            _cluster(nodes[-1], "SET-CONFIG-EPOCH", n + 1)
            if n:
                _cluster(nodes[-1], "MEET", "127.0.0.1", nodes[0].port, _bus_of(nodes[0]))
        middle = (LEDGER_SLOT - 100, LEDGER_SLOT + 100)
        _cluster(nodes[0], "ADDSLOTSRANGE", 0, middle[0] - 1)
        _cluster(nodes[1], "ADDSLOTSRANGE", *middle)
        _cluster(nodes[2], "ADDSLOTSRANGE", middle[1] + 1, 16383)
        for node in nodes:
            wait_for(lambda node=node: _is_whole(node))
        yield Cluster(nodes)


@contextmanager
def sentinel_engine(folder: Path) -> Iterator[Server]:
    with sentinel_pair(folder) as pair:
        yield Server(pair.url, pair.servers[0].pid, pair.servers[0].client)


@contextmanager
def cluster_engine(folder: Path) -> Iterator[Server]:
    with cluster(folder) as nodes:
        yield Server(nodes.url, nodes.owner.pid, nodes.owner.client)


def wait_for(condition: Callable[[], object], seconds: float = 20.0) -> None:
    """Until something is true of a server that starts; what it refuses meanwhile is not true yet."""
    give_up = time.monotonic() + seconds
    while not _holds(condition):
        assert time.monotonic() < give_up, "the server did not get ready"
        time.sleep(0.01)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _holds(condition: Callable[[], object]) -> bool:
    try:
        return bool(condition())
    except (ValkeyError, KeyError):
        return False


def _spawn(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed")
    return subprocess.Popen(["redis-server", *arguments, "--dir", str(folder)], stdout=subprocess.DEVNULL)


def _start(stack: ExitStack, folder: Path, *arguments: str, password: str = "") -> Node:
    """A server on a port that was free; on another one, when somebody else was quicker."""
    folder.mkdir()
    for _ in range(5):
        port = free_port()
        process = _spawn(folder, *arguments, "--port", str(port), "--bind", "127.0.0.1")
        node = Node(port, process, Valkey(port=port, password=password or None))
        stack.callback(node.kill)
        wait_for(lambda node=node: node.process.poll() is not None or _is_itself(node))
        if process.poll() is None:
            return node
    raise AssertionError("redis-server found no port")


def _is_itself(node: Node) -> bool:
    return node.client.info("server")["process_id"] == node.pid


def _start_sentinel(stack: ExitStack, folder: Path, master_port: int, lost_after_ms: int, password: str) -> Node:
    lines = [
        f"sentinel monitor {MASTER} 127.0.0.1 {master_port} 2",
        f"sentinel down-after-milliseconds {MASTER} {lost_after_ms}",
        f"sentinel failover-timeout {MASTER} 5000",
    ]
    if password:
        lines.append(f"sentinel auth-pass {MASTER} {password}")
        lines += [f"requirepass {password}2", f"sentinel sentinel-pass {password}2"]
    file = folder.with_suffix(".conf")
    file.write_text("\n".join(lines) + "\n")
    node = _start(stack, folder, str(file), "--sentinel", password=password and f"{password}2")
    node.client.execute_command("SENTINEL DEBUG", *_HASTE)
    return node


_HASTE = ("INFO-PERIOD", 100, "PUBLISH-PERIOD", 100, "PING-PERIOD", 100, "ASK-PERIOD", 100, "ELECTION-TIMEOUT", 1000)
"""Milliseconds; sentinels take seconds by themselves."""
_PATIENCE = ("PUBLISH-PERIOD", 2000)
"""As it is by itself: sentinels undo a promotion that they have not heard of within four times this."""


def _knows_everybody(sentinel: Node) -> bool:
    state = sentinel.client.sentinel_master(MASTER)
    return state["num-other-sentinels"] == 2 and state["num-slaves"] == 1


def _cluster(node: Node, *words: str | int | bytes) -> bytes:
    return node.client.execute_command("CLUSTER", *words)


def _bus_of(node: Node) -> int:
    return int(node.client.config_get("cluster-port")["cluster-port"])


def _is_whole(node: Node) -> bool:
    info = node.client.execute_command("CLUSTER INFO")
    return info["cluster_state"] == "ok" and info["cluster_known_nodes"] == "3"


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0


ENGINES = {"valkey": embedded, "redis": redis_server, "sentinel": sentinel_engine, "cluster": cluster_engine}
