"""A receiver, and the ledger's book of alerts."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from support.alerting import SECRET, VARIABLE
from support.receiver import Receiver

from router.ledger.alerts import AlertsAt


@pytest.fixture
async def receiver(monkeypatch) -> AsyncIterator[Receiver]:
    monkeypatch.setenv(VARIABLE, SECRET)
    made = await Receiver().start()
    yield made
    await made.stop()


@pytest.fixture
async def book(valkey, session_valkey) -> AsyncIterator[AlertsAt]:
    made = AlertsAt(session_valkey)
    yield made
    made.close()
