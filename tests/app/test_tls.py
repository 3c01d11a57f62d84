"""TLS on both ports, as clients see it that are installed here, and while its files change."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import openai
import pytest
from support.certificates import Pair, self_signed, subject_of
from support.serving import ASK, PATIENCE, Serving, eventually, request

ASKED = json.dumps(ASK)
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> tuple[Pair, Pair]:
    folder = tmp_path_factory.mktemp("pairs")
    return self_signed(folder, "first"), self_signed(folder, "second")


@pytest.fixture
def pair(tmp_path: Path, others: tuple[Pair, Pair]) -> Pair:
    made = Pair(tmp_path / "tls.pem", tmp_path / "tls.key")
    made.replace_with(others[0])
    return made


@pytest.fixture
def gateway(serve: Callable[..., Serving], policy: Path, pair: Pair) -> Serving:
    return serve(policy, *pair.options, "--workers", "2")


def connected(url: str, context: ssl.SSLContext) -> http.client.HTTPSConnection:
    parts = urlsplit(url)
    return http.client.HTTPSConnection(str(parts.hostname), parts.port, timeout=PATIENCE, context=context)


def shown(url: str, context: ssl.SSLContext) -> str:
    """The name in the certificate that a new connection is shown."""
    connection = connected(url, context)
    connection.connect()
    assert isinstance(connection.sock, ssl.SSLSocket)
    name = subject_of(connection.sock.getpeercert())
    connection.close()
    return name


def test_clients_speak_it_on_both_ports(gateway, pair):
    assert gateway.url.startswith("https://") and gateway.admin_url.startswith("https://")
    command = ["curl", "-s", "--cacert", str(pair.chain), f"{gateway.url}/v1/chat/completions"]
    command += ["-H", "content-type: application/json", "-d", ASKED, "-w", "%{http_version} %{ssl_verify_result}"]
    told = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    body, _, versions = told.stdout.rpartition("}")
    assert (versions, json.loads(body + "}")["object"]) == ("1.1 0", "chat.completion")
    with httpx2.Client(verify=pair.trusted()) as client:
        assert client.post(f"{gateway.url}/v1/chat/completions", json=ASK).status_code == 200
        assert client.get(f"{gateway.admin_url}/sign-in").status_code == 200
        with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="none", http_client=client) as sdk:
            stream = sdk.chat.completions.create(model="chat", messages=ASK["messages"], stream=True)
            assert "".join(chunk.choices[0].delta.content or "" for chunk in stream)


def test_files_that_change_are_served_while_requests_go_on(gateway, pair, others):
    both = pair.trusted()
    both.load_verify_locations(str(others[1].chain))
    failed: list[str] = []
    stop = threading.Event()

    def keep_asking() -> None:
        while not stop.is_set():
            connection = connected(gateway.url, both)
            try:
                if (answer := request(connection, "POST", "/v1/chat/completions", ASK)).status != 200:
                    failed.append(str(answer.status))
            except Exception as error:
                failed.append(repr(error))
            finally:
                connection.close()

    asking = threading.Thread(target=keep_asking)
    asking.start()
    try:
        kept = connected(gateway.url, both)
        assert request(kept, "POST", "/v1/chat/completions", ASK).status == 200
        pair.chain.write_text("half a file")
        eventually(lambda: len(gateway.log("certificate not renewed")) == 3)
        assert shown(gateway.url, both) == shown(gateway.admin_url, both) == "first"
        pair.replace_with(others[1])
        eventually(lambda: len(gateway.log("certificate renewed")) == 3)
        assert shown(gateway.url, both) == shown(gateway.admin_url, both) == "second"
        assert request(kept, "POST", "/v1/chat/completions", ASK).status == 200
        kept.close()
    finally:
        stop.set()
        asking.join()
    assert failed == []


def test_a_stream_ends_after_sigterm_and_an_idle_connection_holds_nobody_up(gateway, pair):
    idle, busy = connected(gateway.url, pair.trusted()), connected(gateway.url, pair.trusted())
    assert request(idle, "GET", "/healthz").status == 200
    body = {**ASK, "stream": True, "max_tokens": 4_000, "ignore_eos": True}
    busy.request("POST", "/v1/chat/completions", json.dumps(body), JSON)
    response = busy.getresponse()
    assert response.readline().startswith(b"data: ")
    gateway.signal(signal.SIGTERM)
    assert response.read().endswith(b"data: [DONE]\n\n")
    busy.close()
    assert gateway.wait() == 0
    idle.close()


def test_plain_http_gets_no_answer_and_does_no_harm(gateway, pair):
    parts = urlsplit(gateway.url)
    with socket.create_connection((str(parts.hostname), parts.port), timeout=PATIENCE) as plain:
        plain.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
        try:
            assert b"HTTP/" not in plain.recv(4096)
        except ConnectionResetError:
            pass
    assert request(connected(gateway.url, pair.trusted()), "GET", "/healthz").status == 200


def test_plain_http_beyond_loopback_is_told(serve, policy, tmp_path, pair):
    policy.write_text(policy.read_text() + "server: {stored_keys: true}\n")
    serving = serve(policy, "--host", "0.0.0.0")
    assert [line["option"] for line in serving.log("plain HTTP beyond loopback")] == ["--host"]
    assert serving.stop() == 0
    serving.log_path.unlink()
    serving = serve(policy, "--host", "0.0.0.0", *pair.options)
    assert serving.log("plain HTTP beyond loopback") == []
