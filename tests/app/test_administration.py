"""What an admin does in a day, in a real browser: signs in by name, makes a team and a key, is told when its budget
fills up, and ends the key; what a member of a team sees meanwhile; and that the audit has all of it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path

import openai
import pytest
from oidc_provider_mock import User, run_server_in_thread
from playwright.async_api import expect
from support.browser import MISSING, Browser, chromium
from support.engines import free_port
from support.receiver import Receiver
from support.serving import Serving, clean_environment
from support.waiting import until

pytestmark = [pytest.mark.skipif(bool(MISSING), reason=MISSING), pytest.mark.timeout(300)]

PROVIDER_SECRET, HOOK_SECRET = "secret-of-the-provider", "secret-of-the-webhook"
USERS = (
    User(sub="anna", claims={"preferred_username": "anna", "groups": ["gateway-admins"]}),
    User(sub="ben", claims={"preferred_username": "ben", "groups": ["search-devs"]}),
)
SIGN_IN = """\
issuer: {issuer}
client_id: breakeven
client_secret: env:OIDC_SECRET
address: http://127.0.0.1:{port}
name: Example
roles: {{admin: [gateway-admins]}}
teams: {{search: [search-devs]}}
"""
ALERTS = """
server: {{stored_keys: true}}
secrets: {{"{secret}": ["127.0.0.1"]}}
alerts:
  targets: {{ops: {{kind: webhook, url: "{hook}", secret: "file:{secret}"}}}}
  group: 0s
"""


@pytest.fixture
def gateway(serve, policy, tmp_path):
    """`gateway(hook)` serves with a provider of names, and tells the hook of alerts."""
    with run_server_in_thread(require_nonce=True, user_claims=USERS) as server:

        def start(hook: str) -> Serving:
            port, secret = free_port(), tmp_path / "hook-secret"
            secret.write_text(HOOK_SECRET)
            policy.write_text(policy.read_text() + ALERTS.format(secret=secret, hook=hook))
            issuer = f"http://localhost:{server.server_port}"
            (tmp_path / "oidc.yaml").write_text(SIGN_IN.format(issuer=issuer, port=port))
            arguments = ("--admin-port", str(port), "--oidc-file", str(tmp_path / "oidc.yaml"))
            return serve(policy, *arguments, environment={"OIDC_SECRET": PROVIDER_SECRET})

        yield start


async def sign_in(browser: Browser, user: str) -> None:
    await browser.open("/keys")
    await browser.page.get_by_role("link", name="Sign in with Example").click()
    await browser.page.get_by_placeholder("sub").fill(user)
    await browser.page.get_by_role("button", name="Authorize", exact=True).click()
    await browser.sees(user, "#who")
    browser.complaints.clear()  # of the provider's pages


async def make_team(browser: Browser, name: str, dollars: str) -> None:
    await browser.open("/teams")
    await browser.page.get_by_role("button", name="Give a team a budget").click()
    await browser.page.get_by_label("Team", exact=True).fill(name)
    await add_limit(browser, "usd_per_month", dollars)
    await browser.page.get_by_role("button", name="Save").click()
    await browser.sees("money a month", "#detail")


async def make_key(browser: Browser, name: str, team: str, requests: str) -> str:
    """The key itself, as it is shown this once."""
    await browser.open("/keys")
    await browser.page.get_by_role("button", name="Make a key").click()
    await browser.page.get_by_label("Name").fill(name)
    await browser.page.get_by_role("textbox", name="Team").fill(team)
    await add_limit(browser, "requests_per_day", requests)
    await browser.page.get_by_role("button", name="Make it").click()
    key = await browser.page.get_by_label("The key", exact=True).input_value()
    await browser.page.get_by_role("button", name="I have it").click()
    return key


async def add_limit(browser: Browser, limit: str, amount: str) -> None:
    if not await browser.page.get_by_label("Limit", exact=True).count():
        await browser.page.get_by_role("button", name="Add a limit").click()
    await browser.page.get_by_label("Limit", exact=True).select_option(limit)
    await browser.page.get_by_label("Amount").fill(amount)


def asked_with(serving: Serving, key: str) -> int:
    """The status that OpenAI's own SDK has for a chat with this key."""
    with openai.OpenAI(base_url=f"{serving.url}/v1", api_key=key, max_retries=0) as client:
        try:
            client.chat.completions.create(model="chat", messages=[{"role": "user", "content": "Hello"}], max_tokens=1)
        except openai.APIStatusError as error:
            return error.status_code
    return 200


async def ask_until(serving: Serving, key: str, status: int, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while (found := await asyncio.to_thread(asked_with, serving, key)) != status:
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.05)


async def test_a_day_of_an_admin(gateway):
    receiver = await Receiver().start()
    serving = await asyncio.to_thread(gateway, receiver.url)
    async with chromium(serving.admin_url) as admin, chromium(serving.admin_url) as member:
        await sign_in(admin, "anna")
        await make_team(admin, "search", "500")
        batch = await make_key(admin, "batch", "search", "5")
        await make_key(admin, "payroll", "finance", "5")

        await ask_until(serving, batch, 200, 20)
        assert [await asyncio.to_thread(asked_with, serving, batch) for _ in range(3)] == [200] * 3
        await until(lambda: "key batch: requests_per_day: 80% of the limit used" in receiver.told(), 60)
        assert receiver.told().count("key batch: requests_per_day: 80% of the limit used") == 1
        await admin.open("/requests?key=batch")
        await expect(admin.page.locator("#decisions tbody tr, tbody tr")).to_have_count(4)

        await sign_in(member, "ben")
        await expect(member.page.locator("#who")).to_have_text("ben · Member")
        await member.sees("batch", "#list")
        await expect(member.page.locator("body")).not_to_contain_text("payroll")
        for path, status in (("/api/keys?search=payroll", 200), ("/api/teams/finance", 404), ("/api/policy", 403)):
            answer = await member.page.request.get(serving.admin_url + path)
            assert answer.status == status, path
            assert "payroll" not in await answer.text()

        await admin.open("/keys")
        await admin.page.get_by_role("link", name="batch").click()
        await admin.page.get_by_role("button", name="Revoke").click()
        await admin.page.locator("#sheet").get_by_role("button", name="Revoke").click()
        await admin.sees("revoked", "#detail")
        await ask_until(serving, batch, 401, 20)
        assert admin.complaints == []
    await receiver.stop()
    logged = serving.log_path.read_text()
    assert not any(secret in logged for secret in (batch, PROVIDER_SECRET, HOOK_SECRET))


async def test_the_audit_has_who_did_it_and_finds_one_byte_that_was_changed(gateway, tmp_path):
    receiver = await Receiver().start()
    serving = await asyncio.to_thread(gateway, receiver.url)
    async with chromium(serving.admin_url) as admin:
        await sign_in(admin, "anna")
        key = await make_key(admin, "batch", "search", "5")
    await receiver.stop()
    exported = tmp_path / "audit.jsonl"
    assert audit("export", "--output", exported, "--data-dir", serving.data_dir) == 0
    entries = [json.loads(line) for line in exported.read_text().splitlines()]
    made = next(each for each in entries if each["action"] == "key.make")
    assert (made["who"], made["role"], made["subject"]) == ("anna", "admin", "batch")
    assert key not in exported.read_text()
    assert audit("verify", "--file", exported) == 0
    whole = exported.read_bytes()
    place = whole.index(b'"batch"') + 1
    exported.write_bytes(whole[:place] + b"B" + whole[place + 1 :])
    assert audit("verify", "--file", exported) == 1


def audit(*arguments: str | Path) -> int:
    """The exit status of `breakeven audit`."""
    command = [sys.executable, "-m", "router", "audit", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, timeout=60, env=clean_environment(), check=False).returncode
