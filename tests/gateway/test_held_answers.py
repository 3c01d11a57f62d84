"""What one worker keeps of answers, and who goes where there is no room for more."""

from __future__ import annotations

import json

from support.gateway import POLICY
from support.scripted import answer, completion
from support.streams import opened
from support.waiting import until

from router.gateway.buffered_bytes import SMALL
from router.gateway.held_answers import HeldAnswers, joined, put_together


class Kept:
    def __init__(self, room: HeldAnswers, size: int, *, stays: bool = False, owner: str = "app") -> None:
        self.gone = False
        self.owner = owner
        self._room, self._stays = room, stays
        room.hold(self, size)

    def crowded_out(self) -> None:
        if not self._stays:
            self.gone = True
            self._room.hold(self, 0)


def test_those_go_that_keep_most_and_no_more_of_them_than_have_to() -> None:
    room = HeldAnswers(1_000_000)
    large, larger, whole = Kept(room, 200_000), Kept(room, 300_000), Kept(room, 400_000, stays=True)
    newest = Kept(room, 250_000)
    assert (large.gone, larger.gone, whole.gone, newest.gone) == (False, True, False, False)
    assert room.bytes == 850_000


def test_they_are_those_of_whoever_keeps_most_in_all() -> None:
    """One key whose clients do not read many smaller answers takes no other key's larger one."""
    room = HeldAnswers(1_000_000)
    unread = [Kept(room, 90_000, owner="flood") for _ in range(11)]
    large = Kept(room, 400_000, owner="app")
    assert not large.gone and len([each for each in unread if not each.gone]) == 6 and room.bytes == 940_000
    Kept(room, 100_000, owner="other")
    assert not large.gone and len([each for each in unread if not each.gone]) == 5


def test_whoever_asks_for_room_goes_where_all_others_stay() -> None:
    room = HeldAnswers(1_000_000)
    Kept(room, 900_000, stays=True)
    newest = Kept(room, 250_000)
    assert newest.gone and room.bytes == 900_000


def test_what_is_small_is_not_counted_and_what_becomes_small_no_more() -> None:
    room = HeldAnswers(100)
    small = Kept(room, SMALL)
    assert room.bytes == 0 and not small.gone
    room.most = 1_000_000
    room.hold(small, SMALL + 1)
    room.hold(small, 10)
    assert room.bytes == 0


def test_small_pieces_are_put_together() -> None:
    pieces: list[bytes | bytearray] = []
    for piece in (b"a", b"b", b"c", b"d" * 2000, b"e", b"f"):
        put_together(pieces, piece)
    assert pieces == [b"a", b"bc", b"d" * 2000, b"ef"] and joined(pieces) == b"abc" + b"d" * 2000 + b"ef"
    assert joined([]) == b"" and joined([bytearray(b"a")]) == b"a"


async def test_what_a_client_does_not_read_is_counted_until_it_does_or_leaves(serve, backends):
    gateway = await serve(POLICY + "server: {max_answer_bytes: 20000000}\n")
    backends["gpu"].default = answer(200, completion("x" * 15_000_000))
    body = json.dumps({"model": "chat", "messages": [{"role": "user", "content": "hello"}]}).encode()
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body)
    readers = [await opened(gateway.port) for _ in range(2)]
    for _, writer in readers:
        writer.write(head + body)
    await until(lambda: len([each for each in gateway.service.clients if each.stalled_since]) == 2)
    assert gateway.state.answers.bytes > SMALL
    await readers[0][0].read(15_000_000)
    readers[1][1].transport.abort()
    while gateway.state.answers.bytes:
        await readers[0][0].read(1_000_000)
    readers[0][1].close()


async def test_clients_that_do_not_read_are_let_go_where_there_is_no_room(serve, backends):
    gateway = await serve(POLICY + "server: {max_held_bytes: 32000000, max_answer_bytes: 20000000}\n")
    backends["gpu"].default = answer(200, completion("x" * 10_000_000))
    body = json.dumps({"model": "chat", "messages": [{"role": "user", "content": "hello"}]}).encode()
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body)
    _, writer = await opened(gateway.port)
    writer.write(head + body)
    await until(lambda: any(each.stalled_since for each in gateway.service.clients))
    [stalled] = gateway.service.clients
    gateway.state.answers.most = 100_000
    stalled.pause_writing()
    await until(lambda: not gateway.service.clients)
    assert gateway.state.answers.bytes == 0
    writer.close()
