"""A whole gateway with a real Presidio: it is waited for, watched, and started anew."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from support.plans import plan_of_text
from support.presidio import need_presidio, small_pipeline
from support.waiting import until

import router
from router.app.presidio_keeper import PresidioKeeper
from router.config.presidio_environment import PRESIDIO_PYTHON
from router.core.sensitivity.entities import EntitySearch, Question, entity_search, frame

ROOT = str(Path(router.__file__).parent.parent)
PATIENCE = 90.0
"""Seconds for a start, on a machine that is busy with other things."""


@pytest.fixture
def folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="breakeven-") as folder:
        yield Path(folder)


@pytest.fixture
async def keeper(folder: Path) -> AsyncIterator[PresidioKeeper]:
    tasks = []
    keeper = PresidioKeeper(folder, ROOT, lambda work: tasks.append(asyncio.ensure_future(work)), 5.0)
    yield keeper
    await keeper.stop()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> str:
    return small_pipeline(need_presidio(), tmp_path_factory.mktemp("spacy"))


def search_for(pipeline: str, entity: str = "PERSON") -> EntitySearch:
    found = entity_search(plan_of_text((f"{{entities: [{entity}], raise_to: restricted}}",), f"{{model: {pipeline}}}"))
    assert found is not None
    return found


async def ready(keeper: PresidioKeeper) -> int:
    """The id of the process, once it answers."""
    assert keeper.latest is not None
    await asyncio.wait_for(keeper.latest.ready.wait(), PATIENCE)
    assert keeper.latest._process is not None
    return keeper.latest._process.pid


async def asked(folder: Path, search: EntitySearch, text: str) -> bytes:
    body = f'["{text}"]'.encode()
    reader, writer = await asyncio.open_unix_connection(str(folder / search.socket))
    for each in frame(Question(search.entities, 0.5, (len(body),)), (body,)):
        writer.write(each)
    answer = await asyncio.wait_for(reader.read(), PATIENCE)
    writer.close()
    return answer


@pytest.mark.timeout(400)
async def test_it_answers_is_started_again_and_gives_way_to_the_next(
    keeper: PresidioKeeper, folder: Path, pipeline: str
) -> None:
    search = search_for(pipeline)
    keeper.renew(search)
    first = await ready(keeper)
    assert b'"PERSON"' in await asked(folder, search, "Ada Lovelace")

    keeper.renew(search)
    assert await ready(keeper) == first, "what is wanted already goes on"

    os.kill(first, signal.SIGKILL)
    await until(lambda: not keeper.latest.ready.is_set(), PATIENCE)
    assert await ready(keeper) != first
    assert b'"PERSON"' in await asked(folder, search, "Ada Lovelace")

    places, before = search_for(pipeline, "LOCATION"), keeper.latest
    keeper.renew(places)
    await ready(keeper)
    assert b'"LOCATION"' in await asked(folder, places, "Paris")
    await until(lambda: not before.ready.is_set(), PATIENCE)

    keeper.renew(None)
    assert keeper.latest is None


@pytest.mark.timeout(400)
async def test_one_that_stands_still_is_killed_and_another_answers(
    keeper: PresidioKeeper, folder: Path, pipeline: str, caplog: pytest.LogCaptureFixture
) -> None:
    search = search_for(pipeline)
    keeper.renew(search)
    first = await ready(keeper)
    os.kill(first, signal.SIGSTOP)
    await until(lambda: not keeper.latest.ready.is_set(), PATIENCE)
    assert await ready(keeper) != first
    assert "process stands still, killing it" in caplog.text
    assert b'"PERSON"' in await asked(folder, search, "Ada Lovelace")


async def test_where_it_cannot_look_it_ends_with_the_reason(
    keeper: PresidioKeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PRESIDIO_PYTHON, "/nowhere/python")
    keeper.renew(search_for("en_core_web_sm"))
    assert keeper.latest is not None
    with pytest.raises(ChildProcessError, match="the presidio ended with exit code 127"):
        await asyncio.wait_for(keeper.latest.until_ready(), PATIENCE)
