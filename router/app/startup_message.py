"""What `breakeven serve` says once it serves."""

from __future__ import annotations

import json

from msgspec import Struct

from router.app.defaults import Found
from router.core.name_patterns import is_pattern
from router.core.values import Plan

SIMULATED = (
    "SIMULATED: no GPU and no API key was found, so both backends only pretend "
    "(set VLLM_BASE_URL or OPENAI_API_KEY to use real ones).\n"
)
REFUSED = "Cloud backends are refused until it can be reached; own backends are served."
COUNTED_LATER = "Cloud backends are used all the same, as the policy allows; what they cost is counted later."


PLACE_OF_KEY = "YOUR-KEY"
PLACE_OF_MODEL = "YOUR-MODEL"
"""Where the policy names none that chats, but only patterns."""


class Dashboard(Struct, frozen=True):
    url: str
    token: str = ""
    """The admin's, when it was made just now: it is shown this once."""
    kept_in: str = ""
    """The file of a token that was made here."""


def greeting(
    url: str, plan: Plan, found: Found, policy: str, lost_ledger: str, dashboard: Dashboard, key: str = ""
) -> str:
    """Where it listens, what it routes between, what is wrong, and a line to paste.

    `lost_ledger` says why the ledger cannot be reached, and is empty when it can. `key` may be shown in the line.
    """
    lines = f"Breakeven serves on {url} (OpenAI base URL: {url}/v1) by {policy}, version {plan.version}\n"
    if found.simulated:
        lines += SIMULATED
    if lost_ledger:
        allowed = plan.policy.ledger.on_loss == "allow"
        lines += f"LEDGER LOST: {lost_ledger}. {COUNTED_LATER if allowed else REFUSED}\n"
    return f"{lines}{_dashboard(dashboard)}Try it:\n{_curl(url, plan, key or PLACE_OF_KEY)}\n"


def _dashboard(dashboard: Dashboard) -> str:
    if dashboard.token:
        how = f"sign in with {dashboard.token} (shown this once, kept in {dashboard.kept_in})"
    elif dashboard.kept_in:
        how = f"sign in with the token in {dashboard.kept_in}"
    else:
        how = "sign in with the token that was given"
    return f"Dashboard: {dashboard.url}, {how}\n"


def _curl(url: str, plan: Plan, key: str) -> str:
    named = [each for each in plan.models.values() if not is_pattern(each.name)]
    chats = (each.name for each in named if any("chat" in route.endpoints for route in each.routes))
    asked = [{"role": "user", "content": "What is the capital of France?"}]
    body = json.dumps({"model": next(chats, PLACE_OF_MODEL), "messages": asked})
    auth = f"-H 'Authorization: Bearer {key}' " if plan.keys or plan.policy.server.stored_keys else ""
    return f"curl -si {url}/v1/chat/completions {auth}-H 'Content-Type: application/json' -d '{body}'"
