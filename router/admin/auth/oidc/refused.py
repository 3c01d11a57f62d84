"""Why somebody was not signed in: a code that the page has a sentence for, and more for the log."""

from __future__ import annotations

from typing import Literal

Code = Literal[
    "no_provider",
    "provider_unavailable",
    "provider_refused",
    "access_denied",
    "begin_again",
    "not_trusted",
    "no_role",
]


class SignInRefused(Exception):
    """`why` is for the log: it holds no token, code or secret."""

    def __init__(self, code: Code, why: str) -> None:
        super().__init__(why)
        self.code = code
        self.why = why
