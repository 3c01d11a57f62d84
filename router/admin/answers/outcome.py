"""What every route may say: that it went well, or why it was refused."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from router.admin.policy.answers import PolicyProblem


class Trouble(Struct, frozen=True):
    """Why a request was refused."""

    code: str
    message: str
    """For people: what is wrong and what to do."""
    version: str = ""
    """Of the policy in force, when the one that a write expected is not."""
    problems: list[PolicyProblem] = []


class Refused(Struct, frozen=True):
    error: Trouble


class Health(Struct, frozen=True):
    status: Literal["ok"] = "ok"
