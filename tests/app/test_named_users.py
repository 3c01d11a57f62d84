"""People sign in to a whole gateway by name, with a provider that nobody here wrote, in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from oidc_provider_mock import User, run_server_in_thread
from playwright.async_api import expect
from support.browser import MISSING, Browser, chromium
from support.engines import free_port
from support.serving import refused

SECRET = "secret-of-these-tests"
USERS = (
    User(sub="anna", claims={"preferred_username": "anna", "realm_access": {"roles": ["gateway-admins", "staff"]}}),
    User(sub="ben", claims={"preferred_username": "ben", "realm_access": {"roles": ["finance"]}}),
    User(sub="cleo", claims={"preferred_username": "cleo", "realm_access": {"roles": ["staff"]}}),
)
SETTINGS = """\
issuer: {issuer}
client_id: breakeven
client_secret: env:OIDC_SECRET
address: http://127.0.0.1:{port}
name: Example
groups_claim: realm_access.roles
roles: {{admin: [gateway-admins], viewer: [finance]}}
"""


@pytest.fixture
def issuer():
    with run_server_in_thread(require_nonce=True, user_claims=USERS) as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture
def gateway(serve, policy, tmp_path, issuer):
    port = free_port()
    (tmp_path / "oidc.yaml").write_text(SETTINGS.format(issuer=issuer, port=port))
    arguments = ("--admin-port", str(port), "--oidc-file", str(tmp_path / "oidc.yaml"))
    return serve(policy, *arguments, environment={"OIDC_SECRET": SECRET})


async def sign_in(browser: Browser, path: str, user: str) -> None:
    await browser.open(path)
    await browser.page.get_by_role("link", name="Sign in with Example").click()
    await browser.page.get_by_placeholder("sub").fill(user)
    await browser.page.get_by_role("button", name="Authorize", exact=True).click()


async def sign_out(browser: Browser) -> None:
    await browser.page.get_by_role("button", name="Sign out").click()
    await browser.sees("Sign in with Example")


@pytest.mark.skipif(bool(MISSING), reason=MISSING)
async def test_by_name_with_a_role_and_out_again(gateway):
    async with chromium(gateway.admin_url) as browser:
        await sign_in(browser, "/policy", "anna")
        await expect(browser.page.locator("#who")).to_have_text("anna · Admin")
        assert await browser.address() == "/policy"
        await sign_out(browser)
        await sign_in(browser, "/spend", "ben")
        await expect(browser.page.locator("#who")).to_have_text("ben · Viewer")
        await sign_out(browser)
        await sign_in(browser, "/spend", "cleo")
        await browser.sees("none of your groups may use this gateway", "#problem")
    logged = gateway.log_path.read_text()
    assert SECRET not in logged and "anna" in logged and "no group of cleo has a role" in logged


def test_a_mistake_in_the_file_ends_the_start_with_its_line(tmp_path, policy):
    (tmp_path / "oidc.yaml").write_text(SETTINGS.format(issuer="http://login.example", port=1))
    code, _, error = refused(
        tmp_path / "data", "--policy", str(policy), "--oidc-file", str(tmp_path / "oidc.yaml"), environment={}
    )
    assert code == 1 and f"{tmp_path / 'oidc.yaml'}:1:9: issuer: " in error and "Traceback" not in error


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
def test_nothing_of_the_secret_is_left_for_other_processes(gateway):
    children = gateway.children()
    assert children
    for each in children:
        started_with = Path(f"/proc/{each.pid}/environ").read_bytes()
        assert SECRET.encode() not in started_with and SECRET not in each.command
