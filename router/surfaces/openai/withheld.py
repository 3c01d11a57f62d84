"""What a provider of this dialect has and the gateway does not pass on, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_ACCOUNT = "This administers the provider's account, for all who use it: ask the provider itself, with an admin's key."
_PAST = (
    "This would have clients speak to the provider themselves, past the policy of this gateway, which passes none on."
)
_AT_ONCE = (
    "A thread and its first run are not made at once here, since nobody would learn of the thread whose it is: make it"
    " first, POST /v1/threads, and then run it, POST /v1/threads/{id}/runs."
)
_AGENTS = "Agents that run at the provider are not passed on: what they send, and where, no policy here would see."

WITHHELD: Final[Mapping[str, str]] = {
    "/v1/organization": _ACCOUNT,
    "/v1/projects": _ACCOUNT,
    "/v1/webhook_endpoints": _ACCOUNT,
    "/v1/webhook_event_types": _ACCOUNT,
    "/v1/safety": _ACCOUNT,
    "/v1/fine_tuning/checkpoints": _ACCOUNT,
    "/v1/realtime": _PAST,
    "/v1/live": _PAST,
    "/v1/chatkit": _PAST,
    "/v1/agents": _AGENTS,
    "/v1/vaults": _AGENTS,
    "/v1/threads/runs": _AT_ONCE,
}
"""By the gateway's path, with all that is below it."""
