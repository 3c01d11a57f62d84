"""Keeps streams of the control plane's events open, and counts what comes when it is asked.

Run as `python -m tests.bench.scale.open_watchers --port N --open 1000`, with a JSON array of cookies as the first line
of standard input: each opens the same number. It says `open` once all have begun, and answers each further line with
`counts <open ones> <events so far> <refused ones>`. Where that input ends, it ends.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys

import uvloop

_BEGIN_AT_ONCE = 50


class Watchers:
    def __init__(self) -> None:
        self.open = self.events = self.refused = 0

    async def watch(self, port: int, cookie: str) -> asyncio.Task[None]:
        """Reads on once it has begun."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
        writer.write(f"GET /api/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: {cookie}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            self.refused += 1
            writer.close()
        return asyncio.create_task(self._read(reader, writer))

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            while data := await reader.read(1 << 20):
                self.events += data.count(b"event: ")
                if data.endswith(b"0\r\n\r\n"):  # the last chunk: its place was given to a newer one
                    break
        except ConnectionError:
            pass
        finally:
            self.open -= 1
            writer.close()


async def run(port: int, number: int, cookies: list[str]) -> None:
    watchers, tasks = Watchers(), []
    for first in range(0, number, _BEGIN_AT_ONCE):
        some = range(first, min(first + _BEGIN_AT_ONCE, number))
        tasks += await asyncio.gather(*(watchers.watch(port, cookies[each % len(cookies)]) for each in some))
    print("open", flush=True)
    while await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline):
        print(f"counts {watchers.open} {watchers.events} {watchers.refused}", flush=True)
    for task in tasks:
        task.cancel()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--open", type=int, required=True)
    asked = parser.parse_args()
    uvloop.run(run(asked.port, asked.open, json.loads(sys.stdin.readline())))


if __name__ == "__main__":
    main()
