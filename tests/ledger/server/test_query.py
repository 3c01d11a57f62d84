"""Questions that are asked now and then: whatever goes wrong is `LedgerUnavailable`."""

from __future__ import annotations

import hiredis
import pytest

from router.ledger.errors import LedgerUnavailable
from router.ledger.server.query import ask, ask_all, connected, refused_is_unavailable


async def test_a_question_and_its_reply(engine):
    async with connected(engine("valkey").url, 5.0) as connection:
        assert await ask(connection, "ECHO", "word") == b"word"
    assert connection.closed


async def test_many_questions_and_their_replies(engine):
    async with connected(engine("valkey").url, 5.0) as connection:
        assert await ask_all(connection, [("ECHO", n) for n in range(250)]) == [b"%d" % n for n in range(250)]
        assert await ask_all(connection, []) == []
        with pytest.raises(LedgerUnavailable, match="unknown command 'NONSENSE'"):
            await ask_all(connection, [("NONSENSE",), ("ECHO", "word")])


async def test_the_server_refuses(engine):
    async with connected(engine("valkey").url, 5.0) as connection:
        with pytest.raises(LedgerUnavailable, match="unknown command 'NONSENSE'"):
            await ask(connection, "NONSENSE")
        assert await ask(connection, "ECHO", "word") == b"word", "a refusal loses no connection"


async def test_who_asked_for_it_is_told_that_the_connection_ends(engine):
    told: list[str] = []
    with pytest.raises(RuntimeError):
        async with connected(engine("valkey").url, 5.0, told.append) as connection:
            raise RuntimeError
    assert connection.closed and len(told) == 1


async def test_a_url_that_cannot_be_used():
    with pytest.raises(ValueError, match="redis"):
        async with connected("http://nowhere", 5.0):
            pass


def test_what_is_no_refusal_stays_what_it_is():
    with pytest.raises(KeyError), refused_is_unavailable():
        raise KeyError
    with pytest.raises(LedgerUnavailable, match="no"), refused_is_unavailable():
        raise hiredis.ReplyError("no")
