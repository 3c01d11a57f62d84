from __future__ import annotations

import asyncio

import pytest

from router.ledger.errors import LedgerUnavailable
from router.ledger.redis_keys import SHARED_KEY, TEAMS_KEY
from router.ledger.server.query import connected
from router.ledger.stored_teams import FollowedTeams, StoredTeam, TeamChanged, open_teams, write_again

DAILY = {"usd_per_day": 5}


def version(server) -> int:
    return int(server.client.hget(SHARED_KEY, "teams") or 0)


async def test_a_budget_is_kept_by_its_team_and_every_change_raises_the_version(server):
    async with open_teams(server.url) as teams:
        made = await teams.put("search", "none", DAILY)
        first = version(server)
        assert await teams.all() == [made] and made.changed > 1_000_000_000
        edited = await teams.put("search", made.version, {"usd_per_day": 6})
        await teams.remove("search", edited.version)
        assert await teams.all() == []
    assert version(server) == first + 2 and first > 1_000_000_000_000


async def test_of_two_at_once_the_second_is_told_what_it_is_now(server):
    async with open_teams(server.url) as teams:
        made = await teams.put("search", "none", DAILY)
        with pytest.raises(TeamChanged, match="search was changed by somebody else") as refused:
            await teams.put("search", "none", {})
        assert refused.value.version == made.version
        await teams.remove("search", made.version)
        with pytest.raises(TeamChanged) as refused:
            await teams.remove("search", made.version)
        assert refused.value.version == "none"


async def test_changes_of_different_teams_at_the_same_time_all_count_and_of_one_team_one(server):
    async def put(name: str) -> object:
        async with open_teams(server.url) as teams:
            return await teams.put(name, "none", DAILY)

    names = [f"team-{n}" for n in range(6)]
    await asyncio.gather(*map(put, names))
    same = await asyncio.gather(*(put("same") for _ in range(3)), return_exceptions=True)
    assert sorted(type(each).__name__ for each in same) == ["StoredTeam", "TeamChanged", "TeamChanged"]
    async with open_teams(server.url) as teams:
        assert [team.name for team in await teams.all()] == ["same", *names]


async def test_what_cannot_be_read_is_left_alone(server):
    server.client.hset(TEAMS_KEY, "broken", "{")
    async with open_teams(server.url) as teams:
        assert await teams.all() == []


async def test_a_server_that_refuses_is_unavailable(server):
    server.client.config_set("maxmemory", 1)
    try:
        async with open_teams(server.url) as teams:
            with pytest.raises(LedgerUnavailable, match="OOM"):
                await teams.put("search", "none", DAILY)
    finally:
        server.client.config_set("maxmemory", 0)


async def test_whoever_follows_reads_only_what_is_new(server):
    followed = FollowedTeams()
    async with connected(server.url, 5.0) as connection, open_teams(server.url) as teams:
        assert not await followed.follow(connection, 0)
        await teams.put("search", "none", DAILY)
        assert await followed.follow(connection, version(server)) and followed.budgets == {"search": DAILY}
        assert not await followed.follow(connection, version(server))


async def test_lost_teams_are_written_again_but_not_over_those_that_are_there(server):
    async with open_teams(server.url) as teams:
        newer = await teams.put("search", "none", {"usd_per_day": 6})
        server.client.hdel(SHARED_KEY, "teams")
        async with connected(server.url, 5.0) as connection:
            await write_again(connection, dict.fromkeys((b"search", b"legal"), b'{"name":"","budget":{}}'))
        assert await teams.all() == [StoredTeam("legal", {}), newer] and version(server)
