from __future__ import annotations

import asyncio
from hashlib import sha256

import pytest

from router.ledger.errors import LedgerUnavailable
from router.ledger.redis_keys import KEYS_KEY, SHARED_KEY
from router.ledger.stored_keys import KEPT_SECONDS, KeyProblem, StoredKey, open_keys, outdated, rotated

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
        await store.rotate("app", digest("two"))
        await store.revoke("app")
    assert version(server) == first + 2 and first > 1_000_000_000_000


async def test_a_name_is_taken_for_as_long_as_its_key_works(server):
    async with open_keys(server.url) as store:
        await store.add(digest("one"), APP)
        with pytest.raises(KeyProblem, match="key rotate app"):
            await store.add(digest("two"), APP)
        await store.revoke("app")
        await store.add(digest("two"), APP)
        now = await store.now()
        assert [key.works(now) for key in await store.all()] == [False, True]


async def test_a_key_that_has_expired_already_is_not_made(server):
    async with open_keys(server.url) as store:
        with pytest.raises(KeyProblem, match="--expires"):
            await store.add(digest("one"), APP, expires=await store.now() - 1)
        assert await store.all() == [] and version(server) == 0


async def test_only_what_works_can_be_revoked_or_rotated(server):
    async with open_keys(server.url) as store:
        await store.add(digest("one"), APP)
        with pytest.raises(KeyProblem, match=r"no stored key ap that works \(there are: app\)"):
            await store.revoke("ap")
        await store.revoke("app")
        with pytest.raises(KeyProblem, match=r"no stored key app that works \(there are: none\)"):
            await store.rotate("app", digest("two"))


async def test_the_replaced_key_works_until_the_grace_ends(server):
    async with open_keys(server.url) as store:
        old = await store.add(digest("one"), APP)
        new = await store.rotate("app", digest("two"), grace=3600)
        found = {key.sha256: key for key in await store.all()}
        assert found[new.sha256] == new and new.entry == APP and new.expires is None
        replaced = found[old.sha256]
        assert replaced.replaced_by == new.sha256 and replaced.expires == pytest.approx(new.created + 3600)
        assert [key.sha256 for key in await store.revoke("app")] == [old.sha256, new.sha256]


async def test_without_a_grace_the_replaced_key_ends_at_once(server):
    async with open_keys(server.url) as store:
        await store.add(digest("one"), APP)
        new = await store.rotate("app", digest("two"))
        assert [key for key in await store.all() if key.works(await store.now())] == [new]


def test_a_rotation_never_prolongs_a_key():
    old = StoredKey("1", APP, created=0.0, expires=100.0)
    new, replaced = rotated([old], 50.0, "app", "2", grace=3600)
    assert (new.expires, replaced.expires) == (100.0, 100.0)


def test_what_has_not_worked_for_long_is_outdated():
    revoked = StoredKey("1", APP, created=0.0, expires=1e12, revoked=10.0)
    assert outdated([revoked, StoredKey("2", APP, created=0.0)], 10.0 + KEPT_SECONDS) == []
    assert outdated([revoked], 11.0 + KEPT_SECONDS) == [revoked]


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
