"""Secrets out of messages that leave this process."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from router.core.redaction import NOT_SHOWN, may_say_escaped

HIDDEN = "(hidden)"
_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL", re.IGNORECASE)
_SHAPES = re.compile(
    r"\b(?:sk|pk|rk|gsk|xai)-[\w-]{8,}|\bAKIA[0-9A-Z]{12,}|\bAIza[\w-]{20,}|(?<=Bearer )\S+|(?<=key=)[^\s&\"']+",
    re.IGNORECASE,
)
_SHORTEST = 6


class Redactor:
    """Replaces known secrets, and what has the shape of a provider's key; and the whole of a message that says a known
    secret only in an escaped form."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = tuple(sorted({secret for secret in secrets if len(secret) >= _SHORTEST}, key=len, reverse=True))
        self._words = [secret.encode(errors="replace") for secret in self._secrets]

    def __call__(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        if may_say_escaped(text.encode(errors="replace"), self._words):  # before shapes, which end at an escape
            return NOT_SHOWN.decode()
        return _SHAPES.sub(HIDDEN, text)


def environment_secrets(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Values of variables that are named like secrets: litellm may use them for backends without a key."""
    return tuple(value for name, value in environment.items() if _SECRET_NAME.search(name))
