"""Two gateways on one Redis server of the organisation's own: they count together."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.serving import Serving, clean_environment, eventually


@pytest.fixture
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a redis-server on a unix socket."""
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed")
    folder = tmp_path_factory.mktemp("redis")
    path = folder / "s"
    command = ["redis-server", "--port", "0", "--unixsocket", str(path), "--dir", str(folder), "--save", ""]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    eventually(path.exists)
    yield f"unix://{path}"
    process.terminate()
    process.wait(10)


def test_gateways_on_one_server_count_together(redis: str, policy: Path, tmp_path: Path) -> None:
    arguments = ("--policy", str(policy), "--redis", redis)
    gateways = [Serving(tmp_path / name, arguments, {}).start() for name in ("one", "two")]
    try:
        tokens = sum(gateway.ask().json["usage"]["total_tokens"] for gateway in gateways)
        assert all(gateway.valkey() is None for gateway in gateways)
        assert gateways[0].ready()["ledger"] == "available"
    finally:
        for gateway in gateways:
            gateway.stop()
    command = [sys.executable, "-m", "router", "usage", "--json"]
    environment = clean_environment({"BREAKEVEN_REDIS": redis, "PATH": os.environ["PATH"]})
    told = json.loads(subprocess.run(command, capture_output=True, env=environment, check=True).stdout)
    assert told["total"]["requests"] == 2
    assert told["total"]["input"] + told["total"]["output"] == tokens
