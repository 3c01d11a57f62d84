"""What a handler refuses, and how it says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from router.admin.answers.outcome import Refused, Trouble
from router.admin.policy.answers import PolicyProblem


class ApiError(Exception):
    """Answered with `status` and a `Refused`. The message is for people, and holds no secret."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        version: str = "",
        problems: Sequence[PolicyProblem] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = dict(headers or {})
        self.answer = Refused(Trouble(code, message, version, list(problems)))

    def __reduce__(self) -> tuple[Callable[..., ApiError], tuple[int, Refused, dict[str, str]]]:
        """Errors come back from processes of their own."""
        return _again, (self.status, self.answer, self.headers)


def _again(status: int, answer: Refused, headers: dict[str, str]) -> ApiError:
    trouble = answer.error
    return ApiError(
        status,
        trouble.code,
        trouble.message,
        version=trouble.version,
        problems=trouble.problems,
        headers=headers,
    )


def ledger_lost(why: object) -> ApiError:
    return ApiError(503, "ledger_unavailable", f"the ledger cannot be read now: {why}", headers={"retry-after": "5"})
