"""Asks for the smallest answer, one after the other, and prints how long the longest and the 99th percentile took (ms).

Run as `python -m tests.bench.scale.pings --port N --seconds S`.
"""

from __future__ import annotations

import argparse
import socket
import time
from statistics import quantiles

_REQUEST = b"GET /healthz HTTP/1.1\r\nhost: bench\r\n\r\n"
_PAUSE = 0.001


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    asked = parser.parse_args()
    times = []
    with socket.create_connection(("127.0.0.1", asked.port), timeout=30) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        until = time.perf_counter() + asked.seconds
        while time.perf_counter() < until:
            begun = time.perf_counter()
            connection.sendall(_REQUEST)
            if not connection.recv(65536).startswith(b"HTTP/1.1 200"):
                raise SystemExit("no answer")
            times.append((time.perf_counter() - begun) * 1e3)
            time.sleep(_PAUSE)
    print(max(times), quantiles(times, n=100)[98])


if __name__ == "__main__":
    main()
