"""Whom an error speaks of, and so whether another backend may do better.

request      what the client asked for: its answer
content      what the client wrote was refused: its answer, and nobody else is asked
names        what the policy calls the model or its address: ours to mend; others may know it
credentials  our key, our bill, our proxy
limit        a rate: it passes
nothing      a 403 that does not say: no reason to think ill of the backend
backend      all else
"""

from __future__ import annotations

from enum import StrEnum

from router.core.complaint import Complaint


class Blame(StrEnum):
    REQUEST = "request"
    CONTENT = "content"
    NAMES = "names"
    CREDENTIALS = "credentials"
    LIMIT = "limit"
    NOTHING = "nothing"
    BACKEND = "backend"


STATUSES: dict[int, Blame] = {
    401: Blame.CREDENTIALS,
    402: Blame.CREDENTIALS,
    403: Blame.NOTHING,
    404: Blame.NAMES,
    407: Blame.CREDENTIALS,
    408: Blame.BACKEND,
    425: Blame.BACKEND,
    429: Blame.LIMIT,
}
"""Of what says no more than its status; other 4xx are the request's, and the rest the backend's."""

WORDS: dict[str, Blame] = {
    "content_filter": Blame.CONTENT,
    "content_policy_violation": Blame.CONTENT,
    "responsibleaipolicyviolation": Blame.CONTENT,
    "moderation_blocked": Blame.CONTENT,
    "policy_violation": Blame.CONTENT,
    "data_inspection_failed": Blame.CONTENT,
    "model_not_found": Blame.NAMES,
    "model_not_exist": Blame.NAMES,
    "invalid_model": Blame.NAMES,
    "deploymentnotfound": Blame.NAMES,
    "backend_not_found": Blame.NAMES,
    "invalid_api_key": Blame.CREDENTIALS,
    "authentication_error": Blame.CREDENTIALS,
    "permission_error": Blame.CREDENTIALS,
    "permission_denied": Blame.CREDENTIALS,
    "account_deactivated": Blame.CREDENTIALS,
    "organization_deactivated": Blame.CREDENTIALS,
    "access_terminated": Blame.CREDENTIALS,
    "unsupported_country_region_territory": Blame.CREDENTIALS,
    "billing_error": Blame.CREDENTIALS,
    "billing_not_active": Blame.CREDENTIALS,
    "billing_hard_limit_reached": Blame.CREDENTIALS,
    "insufficient_quota": Blame.CREDENTIALS,
    "insufficient_balance": Blame.CREDENTIALS,
    "rate_limit_exceeded": Blame.LIMIT,
    "rate_limit_error": Blame.LIMIT,
}
"""Codes and types of OpenAI, Azure, Anthropic, DeepSeek, Groq, Mistral and the adapter."""

REFUSED = ("content policy", "content management policy", "usage policies", "flagged", "moderation", "guardrail")
"""What stands in the message of a refused content that has no code of its own."""
DENIED = (
    "api key",
    "api-key",
    "apikey",
    "credential",
    "permission",
    "billing",
    "quota",
    "not have access",
    "deactivated",
)
"""What stands in the message of a 403 about us."""
UNPAID = (
    "credit balance is too low",
    "insufficient credit",
    "insufficient balance",
    "exceeded your current quota",
    "billing hard limit",
)
"""What stands in the message of an error about our bill that has a status of the request's (Anthropic's is a 400)."""
NAMED = ("model", "url", "deployment", "path")
"""What stands in the message of a 404 about what we named; a file of the client's may be missing too."""
_UNPAID = frozenset({400, 402, 403, 429})
_SPEAKING = frozenset({400, 403, 451})
"""Statuses of a refusal that only its message tells from others."""


def blame(status: int, complaint: Complaint | None) -> Blame:
    """Of an answer with an error status, or of an error event; `complaint` is None for a body that is none."""
    if complaint is not None:
        found = [WORDS[word] for word in complaint.words if word in WORDS]
        if Blame.CONTENT in found or (status in _SPEAKING and _says(complaint, REFUSED)):
            return Blame.CONTENT
        if found and _fits(status, found[0]):
            return found[0]
        if (status == 403 and _says(complaint, DENIED)) or (status in _UNPAID and _says(complaint, UNPAID)):
            return Blame.CREDENTIALS
        if status == 404 and not _says(complaint, NAMED):
            return Blame.REQUEST
    default = Blame.REQUEST if 400 <= status < 500 else Blame.BACKEND
    return STATUSES.get(status, default)


def _fits(status: int, found: Blame) -> bool:
    """A status that speaks for itself is not overruled by a word that many providers give to whatever they refuse."""
    if found is Blame.NAMES:
        return 400 <= status < 500
    if found is Blame.LIMIT:
        return status >= 429
    return status in (400, 403, 429)


def _says(complaint: Complaint, words: tuple[str, ...]) -> bool:
    return any(word in complaint.message for word in words)
