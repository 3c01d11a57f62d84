"""What `breakeven serve` says once it serves."""

from __future__ import annotations

import json

from router.app.defaults import Found
from router.core.values import Plan

SIMULATED = (
    "SIMULATED: no GPU and no API key was found, so both backends only pretend "
    "(set VLLM_BASE_URL or OPENAI_API_KEY to use real ones).\n"
)


def greeting(url: str, plan: Plan, found: Found, policy: str) -> str:
    """Where it listens, what it routes between, and a line to paste."""
    lines = f"Breakeven serves on {url} (OpenAI base URL: {url}/v1) by {policy}, version {plan.version}\n"
    if found.simulated:
        lines += SIMULATED
    return f"{lines}Try it:\n{_curl(url, plan)}\n"


def _curl(url: str, plan: Plan) -> str:
    chats = (each.name for each in plan.models.values() if any("chat" in route.endpoints for route in each.routes))
    body = json.dumps(
        {"model": next(chats, "chat"), "messages": [{"role": "user", "content": "What is the capital of France?"}]}
    )
    auth = "-H 'Authorization: Bearer YOUR-KEY' " if plan.keys else ""
    return f"curl -si {url}/v1/chat/completions {auth}-H 'Content-Type: application/json' -d '{body}'"
