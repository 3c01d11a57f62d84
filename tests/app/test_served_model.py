"""Asking a vLLM which model it serves."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from router.app import served_model as module
from router.app.served_model import served_model


@pytest.fixture
def answering() -> Iterator[Callable[[int, bytes], str]]:
    """`answering(status, body)` gives the base URL of a server that says just that."""
    servers: list[HTTPServer] = []

    def start(status: int, body: bytes) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

        servers.append(HTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].handle_request, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}/v1"

    yield start
    for server in servers:
        server.server_close()


def test_the_first_model(pretended):
    assert served_model(pretended["gpu"]) == "simulated-llama"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"data": []}', b'{"data": [{}]}', b'{"data": 1}', b"\xff"])
def test_an_answer_that_names_none(answering, body):
    assert served_model(answering(200, body)) == ""


def test_an_error_or_no_answer(answering):
    assert served_model(answering(401, b'{"data": [{"id": "m"}]}')) == ""
    assert served_model("http://127.0.0.1:1/v1") == ""
    assert served_model("file:///etc/hostname") == served_model("nonsense") == ""


def test_no_redirect_is_followed_and_no_proxy_asked(answering, monkeypatch, pretended):
    """A vLLM that is named by its address is asked at that address."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert served_model(pretended["gpu"]) == "simulated-llama"
    with HTTPServer(("127.0.0.1", 0), redirecting(f"{pretended['gpu']}/models")) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        assert served_model(f"http://127.0.0.1:{server.server_port}/v1") == ""


def redirecting(target: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(307)
            self.send_header("location", target)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    return Handler


async def test_one_that_does_not_answer_yet_is_waited_for(monkeypatch):
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.01)
    answers = iter(("", "", "llama"))
    monkeypatch.setattr(module, "served_model", lambda url: next(answers))
    assert await module.until_served("http://gpu/v1") == "llama"
