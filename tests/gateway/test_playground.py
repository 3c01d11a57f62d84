"""Tickets of the control plane at a gateway."""

from __future__ import annotations

from hashlib import sha256

import pytest
from support.gateway import POLICY

from router.core.playground import Ticket, signed

SECRET = "a-secret-of-these-tests"
KEYS = f"""keys: [{{name: app, team: search, sha256: "{sha256(b"sk-app").hexdigest()}"}}]
"""
HELLO = {"model": "chat", "messages": [{"role": "user", "content": "hello"}]}


async def ask(gateway, *, key="app", team="search", side="", ends_in=20.0, secret=SECRET) -> tuple[int, str]:
    token = signed(Ticket(key, side, gateway.state.clock() + ends_in, team), secret.encode())
    status, headers, _ = await gateway.post(HELLO, {"authorization": f"Bearer {token}"})
    return status, headers["x-breakeven-backend"]


@pytest.fixture
def armed(serve):
    """A gateway that knows the control plane's secret."""

    async def start(policy: str):
        gateway = await serve(policy)
        gateway.state.playground_secret = SECRET
        gateway.service.rekey()
        return gateway

    return start


async def test_a_ticket_has_a_keys_rights_for_its_time_and_no_others(armed):
    gateway = await armed(POLICY + KEYS)
    assert [await ask(gateway, side=side) for side in ("", "own", "cloud")] == [
        (200, "gpu"), (200, "gpu"), (200, "api")
    ]  # fmt: skip
    assert [(each.key, each.team, each.via) for each in gateway.ledger.records] == [("app", "search", "playground")] * 3
    assert await ask(gateway, key="root") == (401, "none")
    assert await ask(gateway, team="legal") == (401, "none")  # a key that has its name by now is another
    assert await ask(gateway, ends_in=0.0) == (401, "none")
    assert await ask(gateway, secret="guessed") == (401, "none")
    status, _, _ = await gateway.post(HELLO, {"authorization": "Bearer sk-app"})
    assert status == 200 and gateway.ledger.records[-1].via == ""


async def test_a_gateway_without_keys_narrows_by_a_ticket_and_refuses_a_bad_one(armed):
    gateway = await armed(POLICY)
    assert await ask(gateway, key="anonymous", team="default", side="cloud") == (200, "api")
    assert await ask(gateway, key="anonymous", team="default", ends_in=0.0) == (401, "none")


@pytest.mark.parametrize("off", ["playground: {access: nobody}\n", ""])
async def test_without_a_playground_a_ticket_is_a_wrong_key(serve, off):
    gateway = await serve(POLICY + KEYS + off)
    if off:
        gateway.state.playground_secret = SECRET
        gateway.service.rekey()
    assert await ask(gateway) == (401, "none")
