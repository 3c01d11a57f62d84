"""The process: it says where it listens, stops on SIGTERM, and dies with its parent."""

import asyncio
import os
import signal
import sys

import aiohttp
import pytest

SIMULATE = [sys.executable, "-m", "router.simulate", "--tokens-per-second", "1000", "--first-token", "0"]

PARENT = """
import subprocess, sys
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, text=True)
print(child.pid, child.stdout.readline(), end="", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize(("kind", "model"), [("vllm", "simulated-llama"), ("openai", "gpt-4o-mini")])
async def test_it_listens_answers_and_stops(client: aiohttp.ClientSession, kind: str, model: str) -> None:
    process = await asyncio.create_subprocess_exec(*SIMULATE, "--kind", kind, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        line = (await process.stdout.readline()).decode()
        url = line.removeprefix("listening on ").strip()
        async with client.get(f"{url}/v1/models") as got:
            assert (await got.json())["data"][0]["id"] == model
    finally:
        process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0


async def test_an_open_stream_does_not_keep_it_alive(client: aiohttp.ClientSession) -> None:
    command = [*SIMULATE, "--kind", "openai", "--tokens-per-second", "0.1"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        url = (await process.stdout.readline()).decode().removeprefix("listening on ").strip()
        body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
        async with client.post(f"{url}/v1/chat/completions", json=body) as got:
            await got.content.readline()
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 10) == 0
    finally:
        if process.returncode is None:
            process.kill()


async def test_it_dies_with_its_parent() -> None:
    command = [sys.executable, "-c", PARENT, *SIMULATE, "--kind", "vllm"]
    pipe = asyncio.subprocess.PIPE
    parent = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    assert parent.stdout is not None
    pid = int((await parent.stdout.readline()).split()[0])
    gone = os.pidfd_open(pid)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(gone, ended.set)
    try:
        parent.kill()
        await parent.wait()
        await asyncio.wait_for(ended.wait(), 10)
    finally:
        asyncio.get_running_loop().remove_reader(gone)
        os.close(gone)


async def test_a_taken_port_is_reported(client: aiohttp.ClientSession) -> None:
    taken = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
    port = str(taken.sockets[0].getsockname()[1])
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*SIMULATE, "--kind", "vllm", "--port", port, stderr=pipe)
    _, errors = await process.communicate()
    taken.close()
    assert process.returncode == 1
    assert errors.decode().startswith(f"cannot listen on 127.0.0.1:{port}")
