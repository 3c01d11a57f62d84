"""A vLLM as far as those see it who start it, with the ways in which one fails.

    vllm serve MODEL --host HOST --port PORT --served-model-name NAME...

MODEL says how it does: words, joined by "+".

    crashes     says why and exits with status 1, as for arguments that it cannot take
    quiet       exits with status 0, and says nothing
    hangs       never listens
    slow        listens after two seconds
    dies        is killed once it was asked for its health three times
    stubborn    does not end when it is told to
    engine      has a child, as vLLM's engine is one, which goes on when it is killed
    noisy       writes 3 MB to its log before it listens

FAKE_VLLM_FOLDER, where given, gets a file for each start, called by the number of its process, with what it was given.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


def installed_in(folder: Path) -> Path:
    """Path of the Python of an environment that has it as its `vllm`."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "vllm"
    program.write_text(f"#!{sys.executable}\n{Path(__file__).read_text()}")
    program.chmod(0o755)
    return folder / "python"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.asked += 1  # type: ignore[attr-defined]
        if "dies" in self.server.ways and self.server.asked > 3:  # type: ignore[attr-defined]
            os.kill(os.getpid(), signal.SIGKILL)
        if self.path == "/health":
            return self._answer(200, None)
        key = os.environ.get("VLLM_API_KEY")
        if key and self.headers["authorization"] != f"Bearer {key}":
            return self._answer(401, {"error": "Unauthorized"})
        names = self.server.names  # type: ignore[attr-defined]
        return self._answer(200, {"data": [{"id": name, "max_model_len": 2048} for name in names]})

    def _answer(self, status: int, body: Any) -> None:
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    asked = 0


def main() -> None:
    parser = argparse.ArgumentParser(prog="vllm")
    parser.add_argument("serve")
    parser.add_argument("model")
    parser.add_argument("--host")
    parser.add_argument("--port", type=int)
    parser.add_argument("--served-model-name", nargs="+")
    given, _ = parser.parse_known_args()
    ways = set(given.model.split("+"))
    if folder := os.environ.get("FAKE_VLLM_FOLDER"):
        umask = os.umask(0o077)
        told = {"arguments": sys.argv[1:], "environment": dict(os.environ), "umask": umask, "folder": os.getcwd()}
        Path(folder, str(os.getpid())).write_text(json.dumps(told))
    if "crashes" in ways:
        sys.exit("ValueError: Unknown quantization method: awq-magic")
    if "quiet" in ways:
        return
    if "stubborn" in ways:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if "engine" in ways and not os.fork():
        time.sleep(600)
    if "noisy" in ways:
        print("\n".join(["INFO " + "x" * 1000] * 3000), flush=True)
    if "hangs" in ways:
        time.sleep(600)
    if "slow" in ways:
        time.sleep(2)
    server = Server((given.host, given.port), Handler)
    server.ways, server.names = ways, given.served_model_name  # type: ignore[attr-defined]
    print("INFO: Application startup complete.", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
