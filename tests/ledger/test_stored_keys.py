from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from hashlib import sha256

import msgspec
import pytest

from router.ledger.errors import LedgerUnavailable
from router.ledger.redis_keys import KEYS_KEY, SHARED_KEY
from router.ledger.server.query import connected
from router.ledger.stored_key import KeyProblem
from router.ledger.stored_keys import (
    StoredKeys,
    changed_values,
    open_keys,
    write_again,
)

APP = {"name": "app", "team": "search", "models": ["chat"]}


def digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


def version(server) -> int:
    return int(server.client.hget(SHARED_KEY, "keys") or 0)


async def test_a_key_is_stored_with_all_that_it_was_given(server):
    async with open_keys(server.url) as store:
        now = await store.now()
        added = await store.add(digest("one"), APP, expires=now + 60)
        (found,) = await store.all()
    assert found == added
    assert (found.name, found.entry, found.expires) == ("app", APP, now + 60)
    assert found.works(now + 59) and not found.works(now + 60)


async def test_every_change_raises_the_version(server):
    async with open_keys(server.url) as store:
        await store.add(digest("one"), APP)
        first = version(server)
        await store.replace(digest("one")[:16], digest("two"))
        await store.revoke("app")
    assert version(server) == first + 2 and first > 1_000_000_000_000


async def test_a_name_is_taken_for_as_long_as_its_key_works(server):
    async with open_keys(server.url) as store:
        await store.add(digest("one"), APP)
        with pytest.raises(KeyProblem, match="rotate it to replace it"):
            await store.add(digest("two"), APP)
        await store.revoke("app")
        await store.add(digest("two"), APP)
        now = await store.now()
        assert [key.works(now) for key in await store.all()] == [False, True]


async def test_a_key_that_has_expired_already_is_not_made(server):
    async with open_keys(server.url) as store:
        with pytest.raises(KeyProblem, match="give a later time"):
            await store.add(digest("one"), APP, expires=await store.now() - 1)
        assert await store.all() == [] and version(server) == 0


async def test_only_what_works_can_be_revoked_or_rotated(server):
    async with open_keys(server.url) as store:
        await store.add(digest("one"), APP)
        with pytest.raises(KeyProblem, match=r"no stored key ap that works \(there are: app\)"):
            await store.revoke("ap")
        await store.revoke("app")
        with pytest.raises(KeyProblem, match="this key app does not work any more: it is revoked"):
            await store.replace(digest("one")[:16], digest("two"))


async def test_the_replaced_key_works_until_the_grace_ends(server):
    async with open_keys(server.url) as store:
        old = await store.add(digest("one"), APP)
        new = await store.replace(digest("one")[:16], digest("two"), grace=3600)
        found = {key.sha256: key for key in await store.all()}
        assert found[new.sha256] == new and new.entry == APP and new.expires is None
        replaced = found[old.sha256]
        assert replaced.replaced_by == new.sha256 and replaced.expires == pytest.approx(new.created + 3600)
        assert [key.sha256 for key in await store.revoke("app")] == [old.sha256, new.sha256]


async def test_without_a_grace_the_replaced_key_ends_at_once(server):
    async with open_keys(server.url) as store:
        await store.add(digest("one"), APP)
        new = await store.replace(digest("one")[:16], digest("two"))
        assert [key for key in await store.all() if key.works(await store.now())] == [new]


async def test_outdated_keys_go_with_the_next_change(server):
    server.client.hset(KEYS_KEY, digest("old"), '{"sha256":"","entry":{"name":"old"},"created":1,"revoked":2}')
    async with open_keys(server.url) as store:
        await store.add(digest("one"), APP)
        assert [key.name for key in await store.all()] == ["app"]


async def test_changes_at_the_same_time_all_count(server):
    async def add(name: str) -> None:
        async with open_keys(server.url) as store:
            await store.add(digest(name), {"name": name})

    names = [f"app-{n}" for n in range(6)]
    await asyncio.gather(*map(add, names))
    async with open_keys(server.url) as store:
        assert sorted(key.name for key in await store.all()) == names


async def test_of_one_name_wanted_twice_at_the_same_time_one_is_made(server):
    async def add(secret: str) -> None:
        async with open_keys(server.url) as store:
            await store.add(digest(secret), APP)

    results = await asyncio.gather(add("one"), add("two"), return_exceptions=True)
    assert [type(result) for result in results if result is not None] == [KeyProblem]


async def test_what_cannot_be_read_is_left_alone(server):
    server.client.hset(KEYS_KEY, digest("broken"), "{")
    async with open_keys(server.url) as store:
        assert await store.all() == []


async def test_a_server_that_refuses_is_unavailable(server):
    server.client.config_set("maxmemory", 1)
    try:
        async with open_keys(server.url) as store:
            with pytest.raises(LedgerUnavailable, match="OOM"):
                await store.add(digest("one"), APP)
    finally:
        server.client.config_set("maxmemory", 0)


async def test_many_keys_are_stored_at_once_and_again_where_that_ended_halfway(server):
    entries = {digest(str(n)): {"name": f"app-{n}"} for n in range(5)}
    async with open_keys(server.url) as store:
        assert len(await store.add_all(dict(list(entries.items())[:3]))) == 3
        assert [key.name for key in await store.add_all(entries, 2)] == ["app-3", "app-4"]
        assert await store.add_all(entries) == [] and len(await store.all()) == 5
        with pytest.raises(KeyProblem, match="another key app-0 already"):
            await store.add_all({digest("x"): {"name": "app-0"}})
        with pytest.raises(KeyProblem, match="stored already, for app-0"):
            await store.add_all({digest("0"): {"name": "app-0", "team": "other"}})
        await store.revoke("app-1")
        with pytest.raises(KeyProblem, match="or ended"):
            await store.add_all(entries)


async def test_a_part_that_others_overtook_is_none_until_it_is_written_again(server):
    entries = {digest(str(n)): {"name": f"app-{n}"} for n in range(4)}
    told: list[tuple[str, list[str]]] = []

    @asynccontextmanager
    async def around(parts):
        names = [key.name for key in parts[0]]
        if not told:  # somebody else stores one of them, between what was read and what is written
            async with open_keys(server.url) as other:
                await other.add(digest("1"), entries[digest("1")])
        try:
            yield
        except Exception:
            told.append(("not", names))
            raise
        told.append(("done", names))

    async with open_keys(server.url) as store:
        made = await store.add_all(entries, 2, around)
    assert told == [("not", ["app-0", "app-1"]), ("done", ["app-0", "app-2"]), ("done", ["app-3"])]
    assert [key.name for key in made] == ["app-0", "app-2", "app-3"]


# --- what changed


async def changed_since(server, version: int) -> set[str] | None:
    async with connected(server.url, 5.0) as connection:
        found = await changed_values(connection, version)
    return None if found is None else set(found[1])


async def test_what_changed_after_a_version_is_told_without_the_rest(server):
    async with open_keys(server.url) as store:
        await store.add(digest("one"), APP)
        first = version(server)
        await store.add(digest("two"), APP | {"name": "two"})
        second = version(server)
        await store.revoke("app")
    assert await changed_since(server, first) == {digest("one"), digest("two")}
    assert await changed_since(server, second) == {digest("one")}
    assert await changed_since(server, version(server)) == set()


async def test_what_is_removed_is_told_too(server):
    async with open_keys(server.url) as store:
        await store.add(digest("one"), APP)
        first = version(server)
        server.client.hset(KEYS_KEY, digest("old"), '{"sha256":"","entry":{"name":"old"},"created":1,"revoked":2}')
        await store.add(digest("two"), APP | {"name": "two"})
    async with connected(server.url, 5.0) as connection:
        _, changed = await changed_values(connection, first)
    assert changed[digest("old")] == b"" and changed[digest("two")] != b""


async def test_changes_that_are_not_remembered_are_not_guessed_at(server, monkeypatch):
    monkeypatch.setattr("router.ledger.stored_keys.CHANGES", 3)
    async with open_keys(server.url) as store:
        await store.add(digest("0"), APP | {"name": "app-0"})
        first = version(server)
        for n in range(1, 6):
            await store.add(digest(str(n)), APP | {"name": f"app-{n}"})
        assert await changed_since(server, first) is None
        assert await changed_since(server, first + 1) is None
        assert await changed_since(server, first + 2) == {digest(str(n)) for n in (3, 4, 5)}
        server.client.hincrby(SHARED_KEY, "keys", 1)  # by a release that does not remember changes
        before = version(server)
        assert await changed_since(server, first + 2) is None and await changed_since(server, before) is None
        await store.revoke("app-1")
        assert await changed_since(server, before) is None
        assert await changed_since(server, version(server)) == set()


async def test_more_than_a_few_changes_are_read_as_all_are(server, monkeypatch):
    monkeypatch.setattr("router.ledger.stored_keys.MOST_CHANGED", 1)
    async with open_keys(server.url) as store:
        await store.add(digest("one"), APP)
        first = version(server)
        await store.replace(digest("one")[:16], digest("two"))
    assert await changed_since(server, first) is None


async def test_lost_keys_are_written_again_but_not_over_those_that_are_there(server, monkeypatch):
    monkeypatch.setattr("router.ledger.stored_keys.AT_ONCE", 2)
    known = {digest(str(n)): b'{"sha256":"","entry":{"name":"app-%d"},"created":1}' % n for n in range(5)}
    server.client.hset(KEYS_KEY, digest("1"), '{"sha256":"","entry":{"name":"newer"},"created":2}')
    async with connected(server.url, 5.0) as connection:
        await write_again(connection, known)
    async with open_keys(server.url) as store:
        assert sorted(key.name for key in await store.all()) == ["app-0", "app-2", "app-3", "app-4", "newer"]
    assert await changed_since(server, version(server) - 1) is None


def value(name: str = "app", **fields: object) -> bytes:
    return msgspec.json.encode({"sha256": "", "entry": {"name": name}, "created": 1.0} | fields)


def test_of_all_keys_only_those_that_changed_are_looked_at():
    keys = StoredKeys()
    working, ended = keys.take({"1": value(), "2": value(revoked=5.0), "3": value(expires=20.0), "4": b"{"}, now=10.0)
    assert ([key.sha256 for key in working], ended, keys.unreadable) == (["1", "3"], ["2", "4"], 1)
    assert keys.take({"1": value(), "2": value(revoked=5.0), "5": b""}, now=10.0) == ([], [])
    working, ended = keys.take({"1": value("other"), "3": b""}, now=10.0)
    assert ([key.name for key in working], ended, keys.next_expiry) == (["other"], ["3"], None)


def test_a_key_comes_to_its_end_once():
    keys = StoredKeys()
    keys.take({"1": value(expires=20.0), "2": value(expires=30.0), "3": value(expires=5.0)}, now=10.0)
    assert (keys.next_expiry, keys.expire(19.0)) == (20.0, [])
    assert (keys.expire(20.0), keys.next_expiry, keys.expire(20.0)) == (["1"], 30.0, [])


def test_what_was_revoked_stays_so_and_is_to_be_told_again():
    keys = StoredKeys()
    keys.take({"1": value(revoked=5.0)}, now=10.0)
    assert keys.take({"1": value()}, now=10.0) == ([], ["1"])
    assert [(key.sha256, key.revoked) for key in keys.forgotten] == [("1", 5.0)]
    assert b'"revoked":5.0' in keys.values["1"]
