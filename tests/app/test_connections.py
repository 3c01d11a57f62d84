"""Every connection of every process of a gateway goes to what its policy names, whatever its environment would have."""

from __future__ import annotations

import re
import shutil
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from support.serving import Serving

CARD = "4111 1111 1111 1111"
POLICY = """
version: 1
zones: {{local: {{owned: true}}, cloud: {{}}}}
backends:
  own: {{zone: local, kind: litellm, api_base: "{own}", serves: {{chat: openai/m, claude: anthropic/m}}}}
  direct: {{zone: local, kind: openai, url: "{own}", serves: {{plain: m}}}}
models: {{chat: {{backends: [own]}}, claude: {{backends: [own]}}, plain: {{backends: [direct]}}}}
sensitivity:
  levels: {{public: [local, cloud], restricted: [local]}}
  default: public
  detectors: [{{find: [credit_card], raise_to: restricted}}]
retry: {{attempts: 1}}
"""
ADDRESS = re.compile(r'sin6?_port=htons\((\d+)\).*?(?:inet_addr\("|inet_pton\(AF_INET6, ")([^"]+)"')
STRACE = shutil.which("strace")


class Redirecting(BaseHTTPRequestHandler):
    """Everything that it is sent is kept by its server, and sent on to where that says."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.server.seen.append(self.rfile.read(int(self.headers.get("content-length") or 0)))
        self.send_response(self.server.status)
        self.send_header("location", self.server.target)
        self.send_header("content-length", "0")
        self.end_headers()

    do_GET = do_CONNECT = do_POST  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


class Redirector(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, target: str) -> None:
        super().__init__(("127.0.0.1", 0), Redirecting)
        self.seen: list[bytes] = []
        self.status, self.target = 307, target
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Trap(socketserver.ThreadingTCPServer):
    """Counts who connects."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), socketserver.BaseRequestHandler)
        self.connections = 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def process_request(self, request, client_address) -> None:
        self.connections += 1
        super().process_request(request, client_address)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@pytest.fixture
def traps() -> Iterator[dict[str, Trap]]:
    made = {"proxy": Trap(), "elsewhere": Trap()}
    yield made
    for each in made.values():
        each.shutdown()
        each.server_close()


@pytest.fixture
def redirector(traps) -> Iterator[Redirector]:
    with Redirector(f"{traps['elsewhere'].url}/v1/chat/completions") as made:
        yield made
        made.shutdown()


def traced(data_dir: Path, arguments: tuple[str, ...], environment: dict[str, str], record: Path) -> Serving:
    """The gateway under strace, which follows all that it starts; without strace, the traps alone have to tell."""
    serving = Serving(data_dir, arguments, environment)
    if STRACE is not None:
        serving.before = (STRACE, "-D", "-f", "-qq", "-s", "64", "-e", "trace=connect,sendto", "-o", str(record))
    return serving.start()


def test_nothing_is_connected_to_that_the_policy_does_not_name(tmp_path, interpreter, traps, redirector):
    own = f"http://127.0.0.1:{redirector.server_port}/v1"
    (tmp_path / "policy.yaml").write_text(POLICY.format(own=own))
    proxy = traps["proxy"].url
    environment = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"), proxy)
    environment |= {"NO_PROXY": "", "OPENAI_BASE_URL": traps["elsewhere"].url, "LITELLM_RUST": "True"}
    environment |= {"BREAKEVEN_ADAPTER_PYTHON": interpreter, "OPENAI_API_KEY": "k", "ANTHROPIC_API_KEY": "k"}
    record = tmp_path / "strace"
    serving = traced(tmp_path / "data", ("--policy", str(tmp_path / "policy.yaml")), environment, record)
    try:
        messages = [{"role": "user", "content": f"My card is {CARD}"}]
        for redirector.status in (301, 302, 303, 307, 308):
            for model in ("chat", "claude", "plain"):
                answer = serving.ask(model=model, messages=messages)
                assert answer.status >= 300 and b"choices" not in answer.body
                assert answer.headers["x-breakeven-sensitivity"] == "restricted"
        gateway_ports = {int(url.rpartition(":")[2]) for url in (serving.url, serving.admin_url)}
    finally:
        serving.stop()
    assert sum(CARD.encode() in body for body in redirector.seen) >= 10
    assert {name: trap.connections for name, trap in traps.items()} == {"proxy": 0, "elsewhere": 0}
    if STRACE is None:
        pytest.skip("strace is not installed: only what the traps saw was checked")
    reached = {(host, int(port)) for port, host in ADDRESS.findall(record.read_text())}
    named = {("127.0.0.1", port) for port in (redirector.server_port, *gateway_ports)}
    assert ("127.0.0.1", redirector.server_port) in reached
    assert reached - named == set()


def test_strace_would_have_seen_it(tmp_path, traps):
    """That the recording records."""
    if STRACE is None:
        pytest.skip("strace is not installed")
    port, record = traps["elsewhere"].server_address[1], tmp_path / "strace"
    script = f"import socket; socket.create_connection(('127.0.0.1', {port}))"
    subprocess.run([STRACE, "-f", "-qq", "-e", "trace=connect", "-o", str(record), "python3", "-c", script], check=True)
    assert ADDRESS.findall(record.read_text()) == [(str(port), "127.0.0.1")]
