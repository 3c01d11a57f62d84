"""What workers that are gone have left in the journal's folder, without a server: test_recovery has one."""

from __future__ import annotations

import pytest

from router.ledger.client.batch import Sender
from router.ledger.client.other_journals import OtherJournals
from router.ledger.errors import LedgerUnavailable
from router.ledger.redis_keys import NO_LATER_TERM


class Books:
    """What it was told of, and what it knows of each writer."""

    def __init__(self, applied: dict[str, int]) -> None:
        self.known = applied
        self.brought: list[str] = []
        self.ended: dict[str, int] = {}
        self.lost = False

    async def applied(self, writers: list[str]) -> dict[str, int]:
        return {writer: number for writer, number in self.known.items() if writer in writers}

    async def open(self, sender: Sender, *, knows_older: bool) -> None:
        assert (sender.retained, sender.owned) == (86_400, ("local",))

    async def make_holds(self, sender: Sender, holds: list) -> None:
        pass

    async def bring(self, sender: Sender, journal) -> int:
        if self.lost:
            raise LedgerUnavailable("lost")
        self.brought.append(sender.writer)
        return 1

    async def end_slices(self, terms: dict[str, int]) -> None:
        self.ended |= terms


class Journal:
    def __init__(self, writer: str, last: int) -> None:
        self.writer, self.last = writer, last
        self.retired = self.closed = False

    def holds(self, after: int) -> list[bytes]:
        return []

    def entries(self, after: int) -> list[int]:
        return list(range(after + 1, self.last + 1))

    def retire(self) -> None:
        self.retired = True

    def close(self) -> None:
        self.closed = True


class Folder:
    def __init__(self, orphans: list[Journal], former: list[Journal]) -> None:
        self.orphans = lambda: orphans
        self.retired = lambda: former


def own() -> Sender:
    return Sender("own", 86_400, ("local",))


async def test_what_is_left_of_a_worker_is_brought_in_once_and_its_slices_end():
    orphan = Journal("gone", 7)
    books = Books({})
    await OtherJournals(Folder([orphan], []), own()).bring(books)
    assert books.brought == ["gone"] and books.ended == {"gone": NO_LATER_TERM}
    assert orphan.retired and orphan.closed


async def test_one_that_could_not_be_brought_in_is_left_for_the_next_attempt():
    orphan = Journal("gone", 7)
    books = Books({})
    books.lost = True
    with pytest.raises(LedgerUnavailable):
        await OtherJournals(Folder([orphan], []), own()).bring(books)
    assert orphan.closed and not orphan.retired and books.ended == {}


async def test_of_retired_ones_that_alone_is_brought_in_which_the_books_have_lost():
    whole, behind = Journal("whole", 7), Journal("behind", 7)
    journals, books = OtherJournals(Folder([], [whole, behind]), own()), Books({"whole": 7, "behind": 5})
    await journals.bring(books)
    assert books.brought == ["behind"] and set(books.ended) == {"whole", "behind"}
    books.known = {"whole": 7, "behind": 7}
    await journals.bring(books)
    assert books.brought == ["behind"]
    books.known = {"whole": 3, "behind": 7}
    await journals.bring(books)
    assert books.brought == ["behind", "whole"]
