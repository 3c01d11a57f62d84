"""litellm's clients go where the policy says and nowhere else, whatever a provider or the environment would have."""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from router.surfaces.may_be_billed import HEADER

PROJECT = Path(__file__).parents[2]
CARD = "4111 1111 1111 1111"
POLICY = """
version: 1
zones: {{local: {{owned: true}}, cloud: {{{proxy}}}}}
backends:
  own:
    zone: local
    kind: litellm
    api_base: {own}/v1
    serves: {{openai: openai/m, groq: groq/m, vectors: openai/text-embedding-3-small}}
  own-messages: {{zone: local, kind: litellm, api_base: "{own}", serves: {{anthropic: anthropic/m}}}}
  own-gemini: {{zone: local, kind: litellm, api_base: "{own}", serves: {{gemini: gemini/m}}}}
  dialect: {{zone: local, kind: openai, url: "{own}/v1", serves: {{dialect: m}}}}
  other:
    zone: cloud
    kind: litellm
    api_base: {other}/v1
    serves: {{there: {{model: openai/m, price: {{input: 1, output: 1}}}}}}
models:
  openai: {{backends: [own]}}
  groq: {{backends: [own]}}
  vectors: {{backends: [own]}}
  anthropic: {{backends: [own-messages]}}
  gemini: {{backends: [own-gemini]}}
  dialect: {{backends: [dialect]}}
  there: {{backends: [other]}}
"""
CHAT = {"messages": [{"role": "user", "content": CARD}], "max_tokens": 5}
ASKS: dict[str, tuple[str, dict[str, Any]]] = {
    "openai": ("/own/v1/chat/completions", {**CHAT, "model": "openai/m"}),
    "openai stream": ("/own/v1/chat/completions", {**CHAT, "model": "openai/m", "stream": True}),
    "groq": ("/own/v1/chat/completions", {**CHAT, "model": "groq/m"}),
    "groq stream": ("/own/v1/chat/completions", {**CHAT, "model": "groq/m", "stream": True}),
    "anthropic": ("/own-messages/v1/chat/completions", {**CHAT, "model": "anthropic/m"}),
    "anthropic stream": ("/own-messages/v1/chat/completions", {**CHAT, "model": "anthropic/m", "stream": True}),
    "embeddings": ("/own/v1/embeddings", {"model": "openai/text-embedding-3-small", "input": CARD}),
    "messages": ("/own-messages/v1/messages", {**CHAT, "model": "anthropic/m"}),
    "messages stream": ("/own-messages/v1/messages", {**CHAT, "model": "anthropic/m", "stream": True}),
    "messages of openai": ("/own/v1/messages", {**CHAT, "model": "openai/m"}),
    "messages of openai stream": ("/own/v1/messages", {**CHAT, "model": "openai/m", "stream": True}),
    "messages of gemini": ("/own-gemini/v1/messages", {**CHAT, "model": "gemini/m"}),
    "messages of gemini stream": ("/own-gemini/v1/messages", {**CHAT, "model": "gemini/m", "stream": True}),
    "responses": ("/own/v1/responses", {"model": "openai/m", "input": CARD}),
    "responses stream": ("/own/v1/responses", {"model": "openai/m", "input": CARD, "stream": True}),
    "responses of anthropic": ("/own-messages/v1/responses", {"model": "anthropic/m", "input": CARD}),
    "responses of groq stream": ("/own/v1/responses", {"model": "groq/m", "input": CARD, "stream": True}),
    "responses of gemini stream": ("/own-gemini/v1/responses", {"model": "gemini/m", "input": CARD, "stream": True}),
    "translated": ("/dialect/replicas/0/v1/messages", {**CHAT, "model": "m"}),
    "translated stream": ("/dialect/replicas/0/v1/responses", {"model": "m", "input": CARD, "stream": True}),
}
BREAK_OFF = 0
REDIRECTS = (301, 302, 303, 307, 308)


class Recorder:
    """An HTTP server that keeps all that it is sent, and answers as told."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, bytes]] = []
        self.status = 200
        self.headers: dict[str, str] = {}
        self.body: Any = {"error": {"message": "you were redirected"}}
        recorder = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                recorder.seen.append((self.command, self.path, self.rfile.read(length)))
                if recorder.status == BREAK_OFF:
                    self.close_connection = True
                    return
                content = json.dumps(recorder.body).encode()
                self.send_response(recorder.status)
                for name, value in {"content-type": "application/json", **recorder.headers}.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_CONNECT = do_PUT = do_POST  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, status: int, headers: dict[str, str], body: Any = None) -> None:
        self.seen.clear()
        self.status, self.headers = status, headers
        self.body = body or {"error": {"message": "as told", "type": "told"}}

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(scope="module")
def recorders() -> Iterator[dict[str, Recorder]]:
    made = {name: Recorder() for name in ("own", "other", "elsewhere", "proxy")}
    yield made
    for each in made.values():
        each.stop()


def start(interpreter: str, folder: Path, text: str, extra: dict[str, str]) -> tuple[subprocess.Popen[str], str]:
    path = str(folder / "s")
    (folder / "policy.yaml").write_text(text)
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), **extra}
    command = [interpreter, "-m", "router.litellm_adapter", "--policy", str(folder / "policy.yaml"), "--socket", path]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment)
    assert process.stdout is not None
    assert process.stdout.readline() == f"listening on unix:{path}\n", (folder / "log").read_text()
    return process, path


@pytest.fixture(scope="module")
def confined(
    interpreter: str, recorders: dict[str, Recorder], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The socket of an adapter whose environment names proxies, other addresses and litellm's native client."""
    proxy, elsewhere = recorders["proxy"].url, recorders["elsewhere"].url
    traps = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"), proxy)
    traps |= {"OPENAI_BASE_URL": elsewhere, "OPENAI_API_BASE": elsewhere, "GROQ_API_BASE": elsewhere, "NO_PROXY": ""}
    traps |= {"LITELLM_RUST": "True", "AIOHTTP_TRUST_ENV": "True", "OPENAI_API_KEY": "k", "GROQ_API_KEY": "k"}
    text = POLICY.format(own=recorders["own"].url, other=recorders["other"].url, proxy="")
    process, path = start(interpreter, tmp_path_factory.mktemp("confined"), text, {**traps, "ANTHROPIC_API_KEY": "k"})
    yield path
    process.terminate()
    process.wait(10)
    assert process.stdout is not None
    process.stdout.close()


async def post(socket: str, path: str, body: Any) -> tuple[int, dict[str, Any]]:
    status, _, answer = await exchange(socket, path, body)
    return status, answer


async def exchange(socket: str, path: str, body: Any) -> tuple[int, str | None, dict[str, Any]]:
    """Status, what may be billed, and the answer."""
    connector = aiohttp.UnixConnector(path=socket)
    async with (
        aiohttp.ClientSession("http://adapter", connector=connector) as session,
        session.post(path, json=body) as got,
    ):
        return got.status, got.headers.get(HEADER), await got.json()


@pytest.mark.parametrize("status", REDIRECTS)
@pytest.mark.parametrize("ask", ASKS)
async def test_a_redirect_is_not_followed(ask: str, status: int, confined: str, recorders: dict[str, Recorder]) -> None:
    """Neither to a stranger nor to a host that another backend may use: what is restricted would go with it."""
    path, body = ASKS[ask]
    for target in (recorders["elsewhere"], recorders["other"], recorders["own"]):
        recorders["own"].answer(status, {"location": f"{target.url}/v1/chat/completions"})
        got, answer = await post(confined, path, body)
        assert (got, answer["error"]["code"]) == (502, "redirect_refused")
        assert [CARD.encode() in content for _, _, content in recorders["own"].seen] == [True]
    assert not recorders["elsewhere"].seen and not recorders["other"].seen and not recorders["proxy"].seen


@pytest.mark.parametrize("ask", ASKS)
async def test_a_refused_key_is_one_call_and_the_providers_words(
    ask: str, confined: str, recorders: dict[str, Recorder]
) -> None:
    path, body = ASKS[ask]
    said = {"error": {"message": "That key was revoked on Monday.", "type": "authentication_error"}}
    recorders["own"].answer(401, {}, said)
    got, answer = await post(confined, path, body)
    assert (got, answer["error"]["message"]) == (401, "That key was revoked on Monday.")
    assert len(recorders["own"].seen) == 1


@pytest.mark.parametrize("status", [400, 403, 404, 408, 409, 422, 429, 500, 502, 503, 529])
@pytest.mark.parametrize("ask", ["openai", "groq", "anthropic", "embeddings", "messages of openai", "responses"])
async def test_every_refusal_is_one_call(ask: str, status: int, confined: str, recorders: dict[str, Recorder]) -> None:
    path, body = ASKS[ask]
    recorders["own"].answer(status, {}, {"error": {"message": "No, thank you.", "type": "told"}})
    got, answer = await post(confined, path, body)
    assert got == (504 if status == 408 else status), answer
    assert len(recorders["own"].seen) == 1


@pytest.mark.parametrize("ask", ASKS)
async def test_a_connection_that_breaks_is_one_call(ask: str, confined: str, recorders: dict[str, Recorder]) -> None:
    """The provider may be at work on it: whether it is asked again is the gateway's decision."""
    path, body = ASKS[ask]
    recorders["own"].answer(BREAK_OFF, {})
    got, answer = await post(confined, path, body)
    assert (got, answer["error"]["code"]) == (502, "connection_error")
    assert len(recorders["own"].seen) == 1


@pytest.mark.parametrize(
    ("status", "body", "code", "billed"),
    [
        (BREAK_OFF, None, "connection_error", "all"),
        (200, ["no answer"], "answer_unread", "all"),
        (200, {"object": "chat.completion", "choices": "none"}, "answer_unread", "all"),
        (307, None, "redirect_refused", None),
        (429, None, "rate_limit_exceeded", None),
        (500, None, None, None),
    ],
)
@pytest.mark.parametrize("ask", ["openai", "groq", "anthropic"])
async def test_a_failed_call_says_whether_its_provider_was_at_work(
    ask: str,
    status: int,
    body: Any,
    code: str | None,
    billed: str | None,
    confined: str,
    recorders: dict[str, Recorder],
) -> None:
    recorders["own"].answer(status, {"location": "/"} if status == 307 else {}, body)
    got, told, answer = await exchange(confined, *ASKS[ask])
    assert (got >= 400, answer["error"]["code"], told) == (True, code, billed)


@pytest.mark.parametrize("ask", ASKS)
async def test_a_refusal_without_words_keeps_its_status(
    ask: str, confined: str, recorders: dict[str, Recorder]
) -> None:
    recorders["own"].answer(503, {}, {"nothing": "said"})
    got, answer = await post(confined, *ASKS[ask])
    assert got == 503, answer


async def test_the_policys_proxy_is_used_for_its_zone_alone(
    interpreter: str, recorders: dict[str, Recorder], tmp_path: Path
) -> None:
    proxy = recorders["proxy"]
    text = POLICY.format(own=recorders["own"].url, other=recorders["other"].url, proxy=f'proxy: "{proxy.url}"')
    process, socket = start(interpreter, tmp_path, text, {})
    try:
        for each in recorders.values():
            each.answer(400, {})
        got, _ = await post(socket, "/other/v1/chat/completions", {**CHAT, "model": "openai/m"})
        assert got == 400
        assert len(proxy.seen) == 1 and not recorders["other"].seen
        await post(socket, *ASKS["openai"])
        assert len(proxy.seen) == 1 and len(recorders["own"].seen) == 1
    finally:
        process.terminate()
        process.wait(10)
        assert process.stdout is not None
        process.stdout.close()
