"""Whom an error answer speaks of, told by its status and by the words of its object."""

from __future__ import annotations

from router.core.resilience.error_cause import ErrorCause, cause_of_status
from router.surfaces.openai.complaint import Complaint

WORDS: dict[str, ErrorCause] = {
    "content_filter": ErrorCause.CONTENT,
    "content_policy_violation": ErrorCause.CONTENT,
    "responsibleaipolicyviolation": ErrorCause.CONTENT,
    "moderation_blocked": ErrorCause.CONTENT,
    "policy_violation": ErrorCause.CONTENT,
    "data_inspection_failed": ErrorCause.CONTENT,
    "model_not_found": ErrorCause.NAMES,
    "model_not_exist": ErrorCause.NAMES,
    "invalid_model": ErrorCause.NAMES,
    "deploymentnotfound": ErrorCause.NAMES,
    "backend_not_found": ErrorCause.NAMES,
    "invalid_api_key": ErrorCause.CREDENTIALS,
    "authentication_error": ErrorCause.CREDENTIALS,
    "permission_error": ErrorCause.CREDENTIALS,
    "permission_denied": ErrorCause.CREDENTIALS,
    "account_deactivated": ErrorCause.CREDENTIALS,
    "organization_deactivated": ErrorCause.CREDENTIALS,
    "access_terminated": ErrorCause.CREDENTIALS,
    "unsupported_country_region_territory": ErrorCause.CREDENTIALS,
    "billing_error": ErrorCause.UNPAID,
    "billing_not_active": ErrorCause.UNPAID,
    "billing_hard_limit_reached": ErrorCause.UNPAID,
    "insufficient_quota": ErrorCause.UNPAID,
    "insufficient_balance": ErrorCause.UNPAID,
    "unsupported_by_backend": ErrorCause.UNABLE,
    "rate_limit_exceeded": ErrorCause.LIMIT,
    "rate_limit_error": ErrorCause.LIMIT,
}
"""Codes and types of OpenAI, Azure, Anthropic, DeepSeek, Groq, Mistral and the adapter."""

REFUSED = (
    *("content policy", "content management policy", "content filtering policy", "usage policies"),
    *("flagged", "moderation", "guardrail"),
)
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


def blame(status: int, complaint: Complaint | None) -> ErrorCause:
    """Of an answer with an error status, or of an error event; `complaint` is None for a body that is none."""
    if complaint is not None:
        found = [WORDS[word] for word in complaint.words if word in WORDS]
        if ErrorCause.CONTENT in found or (status in _SPEAKING and _says(complaint, REFUSED)):
            return ErrorCause.CONTENT
        if found and _fits(status, found[0]):
            return found[0]
        if status in _UNPAID and _says(complaint, UNPAID):
            return ErrorCause.UNPAID
        if status == 403 and _says(complaint, DENIED):
            return ErrorCause.CREDENTIALS
        if status == 404 and not _says(complaint, NAMED):
            return ErrorCause.REQUEST
    return cause_of_status(status)


def _fits(status: int, found: ErrorCause) -> bool:
    """A status that speaks for itself is not overruled by a word that many providers give to whatever they refuse."""
    if found is ErrorCause.NAMES:
        return 400 <= status < 500
    if found is ErrorCause.LIMIT:
        return status >= 429
    return status in (400, 403, 429)


def _says(complaint: Complaint, words: tuple[str, ...]) -> bool:
    return any(word in complaint.message for word in words)
