from __future__ import annotations

import h11
import pytest

from router.gateway.response_lines import CONTINUE, LAST_CHUNK, chunk, header, status_line, told


@pytest.mark.parametrize("size", [1, 15, 16, 255, 256, 4095, 4096, 70_000])
def test_another_parser_reads_the_chunks(size):
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method="GET", target="/", headers=[("host", "x")]))
    client.send(h11.EndOfMessage())
    sent = b"x" * size
    client.receive_data(status_line(200) + header("transfer-encoding", "chunked") + b"\r\n")
    client.receive_data(chunk(sent) + chunk(sent) + LAST_CHUNK)
    assert isinstance(client.next_event(), h11.Response)
    body = b""
    while isinstance(event := client.next_event(), h11.Data):
        body += event.data
    assert isinstance(event, h11.EndOfMessage) and body == sent * 2


@pytest.mark.parametrize(
    ("status", "line"),
    [(200, b"HTTP/1.1 200 OK\r\n"), (505, b"HTTP/1.1 505 HTTP Version Not Supported\r\n"), (529, b"HTTP/1.1 529 \r\n")],
)
def test_a_status_without_a_name_is_a_status_all_the_same(status, line):
    assert status_line(status) == line


@pytest.mark.parametrize("value", ["a\r\nset-cookie: b", "a\nb", "a\0b", "caf\xe9", "\u4e16", "a\tb"])
def test_nothing_in_a_value_ends_its_line(value):
    line = header("x-breakeven-reason", value)
    assert line.endswith(b"\r\n") and line.count(b"\r") == line.count(b"\n") == 1
    assert all(32 <= byte < 127 for byte in line[:-2])


def test_where_a_request_ran_and_why():
    lines = told("gpu", "local", "", "local-first")
    assert lines == (
        b"x-breakeven-backend: gpu\r\nx-breakeven-zone: local\r\n"
        b"x-breakeven-sensitivity: none\r\nx-breakeven-reason: local-first\r\n"
    )


def test_to_go_on_is_a_whole_answer():
    assert CONTINUE == b"HTTP/1.1 100 Continue\r\n\r\n"
