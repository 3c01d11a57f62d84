"""Clients that offer HTTP/2 in passing, as they are installed here."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import pytest
from support.scripted import DONE, completion, event, stream

JAVA = Path(__file__).parent / "clients" / "Ask.java"
QUESTION = {"model": "chat", "messages": [{"role": "user", "content": "hello"}]}


async def run(*command: str) -> bytes:
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        async with asyncio.timeout(60):
            told, _ = await process.communicate()
    except BaseException:
        process.kill()
        raise
    assert process.returncode == 0
    return told


def curl(url: str, body: object, *options: str) -> tuple[str, ...]:
    asked = ("--silent", "--show-error", "--max-time", "20", "--noproxy", "*", "--http2", *options)
    return ("curl", *asked, "-H", "content-type: application/json", "--data-raw", json.dumps(body), url)


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
async def test_curl_with_http2(gateway, backends):
    url = f"{gateway.url}/v1/chat/completions"
    for options in ((), ("-H", "transfer-encoding: chunked"), ("-H", "expect: 100-continue")):
        assert await run(*curl(url, QUESTION, *options, "-w", " %{http_code} %{http_version}")) == (
            completion() + b" 200 1.1"
        )
    backends["gpu"].default = stream(event("Hello"), event(None, "stop"), DONE)
    told = await run(*curl(url, QUESTION | {"stream": True}))
    assert told == event("Hello") + event(None, "stop") + DONE
    assert all(request["messages"] == QUESTION["messages"] for request in backends["gpu"].requests)
    large = QUESTION | {"messages": [{"role": "user", "content": "x" * 90_000}]}
    await run(*curl(url, large))
    assert backends["gpu"].requests[-1]["messages"] == large["messages"]


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
async def test_curl_that_speaks_nothing_but_http2_reads_why_not(gateway):
    """It cannot read HTTP/1.1, but it does not wait for ever."""
    command = curl(f"{gateway.url}/v1/chat/completions", QUESTION, "--http2-prior-knowledge")
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    async with asyncio.timeout(30):
        await process.communicate()
    assert process.returncode != 0


@pytest.mark.skipif(shutil.which("java") is None or shutil.which("javac") is None, reason="needs a JDK")
async def test_javas_client(gateway, backends):
    told = await run("java", str(JAVA), f"{gateway.url}/v1/chat/completions", json.dumps(QUESTION))
    assert told.decode() == f"200 HTTP_1_1 {completion().decode()}\n" * 2
    assert [request["messages"] for request in backends["gpu"].requests] == [QUESTION["messages"]] * 2
