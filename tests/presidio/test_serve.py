"""The socket that workers ask at."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from collections.abc import AsyncIterator
from tempfile import TemporaryDirectory

import pytest
from support.waiting import until
from support.word_finder import Words

from router.core.sensitivity.entities import BUSY, LENGTHS, Answer, Question, frame
from router.presidio import serve
from router.presidio.finder import Finder

LONG = "word " * 100_000


@pytest.fixture
def words() -> Words:
    return Words()


@pytest.fixture
async def path(words: Words) -> AsyncIterator[str]:
    with TemporaryDirectory(prefix="breakeven-") as folder:
        path = f"{folder}/p.sock"
        async with serve.listening(Finder(words), path):
            yield path
        assert os.listdir(folder) == []


def framed(*texts: str, key: str = "") -> bytes:
    body = json.dumps(texts).encode()
    return b"".join(frame(Question(("PERSON",), 0.5, (len(body),), key), (body,)))


async def said(path: str, sent: bytes) -> bytes:
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(sent)
    writer.write_eof() if not sent else None
    answer = await asyncio.wait_for(reader.read(), 30)
    writer.close()
    return answer


async def test_a_question_is_answered(path: str) -> None:
    assert json.loads(await said(path, framed("Ada"))) == {"found": ["PERSON"], "why": ""}


async def test_nobody_else_may_ask(path: str) -> None:
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


@pytest.mark.parametrize(
    "nonsense",
    [b"", LENGTHS.pack(2, 2) + b"{}[]", LENGTHS.pack(2**31, 1), LENGTHS.pack(1, 2**40), b"GET / HTTP/1.1\r\n"],
)
async def test_who_is_no_worker_gets_no_answer_and_disturbs_nobody(path: str, nonsense: bytes) -> None:
    assert await said(path, nonsense) == b""
    assert json.loads(await said(path, framed("Ada")))["found"] == ["PERSON"]


async def test_what_nobody_waits_for_is_not_looked_at_to_its_end(path: str, words: Words) -> None:
    _, writer = await asyncio.open_unix_connection(path)
    writer.write(framed(LONG))
    await until(lambda: len(words.looked_at) > 2)
    writer.transport.abort()
    assert json.loads(await said(path, framed("Ada")))["found"] == ["PERSON"]
    assert len(words.looked_at) < len(LONG) / 2_000


async def test_so_many_are_held_at_most(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "MOST_WAITING", 0)
    assert json.loads(await said(path, framed("Ada"))) == {"found": [], "why": BUSY}
    assert Answer(why=BUSY).found == ()


async def test_a_key_waits_for_one_piece_of_others_and_behind_its_own(path: str, words: Words) -> None:
    """The first long text of `busy` is being looked at when all others are there."""
    asking = [asyncio.create_task(said(path, framed(f"{number} {LONG}", key="busy"))) for number in range(3)]
    await until(lambda: len(words.looked_at) > 2)
    before = len(words.looked_at)
    assert json.loads(await said(path, framed("Ada", key="calm")))["found"] == ["PERSON"]
    asked_by = [text[0] for text in words.looked_at if text[0].isdigit()]
    assert len(words.looked_at) - before < 100 and len(asked_by) == 1
    for task in asking:
        task.cancel()


async def test_one_key_has_a_bound_of_its_own(path: str, words: Words, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "MOST_OF_ONE", 0)
    assert json.loads(await said(path, framed("Ada", key="busy"))) == {"found": [], "why": BUSY}
