"""The one table of the control plane: who may call what.

The application, the OpenAPI document and the tests are all made from it; there is no route beside it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Any

from msgspec import Struct

from router.admin import (
    answers,
    decisions,
    desk_api,
    economics,
    entry,
    live,
    metrics,
    operations,
    pages,
    questions,
    spend,
)
from router.admin.control import Ask, Control

Handler = Callable[[Control, Ask], Awaitable[Any]]


class Access(StrEnum):
    """Who may: anybody, whoever is signed in, or the admin."""

    OPEN = "open"
    VIEWER = "viewer"
    ADMIN = "admin"


class Route(Struct, frozen=True):
    """`answer` is the type of the JSON answer, or None where `media` says that it is something else."""

    method: str
    path: str
    access: Access
    handler: Handler
    summary: str
    answer: type | None = None
    query: type | None = None
    body: type | None = None
    media: str = "application/json"
    any_host: bool = False
    """Answers whatever name it is called by; only for what tells nothing."""
    page: bool = False
    """For people: who is not signed in is sent to the sign-in page."""
    conditional: bool = False
    """Needs If-Match with the version of the policy's text."""

    @property
    def writes(self) -> bool:
        return self.method not in ("GET", "HEAD")


OPEN, VIEWER, ADMIN = Access.OPEN, Access.VIEWER, Access.ADMIN

# One line or two each, to be read as a table.
# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("GET", "/healthz", OPEN, operations.health, "This process runs", answers.Health, any_host=True),
    Route("GET", "/metrics", VIEWER, metrics.scrape, "Prometheus metrics", media="text/plain"),
    Route("POST", "/sign-in", OPEN, entry.sign_in, "Sign in with a token; makes a session cookie",
          answers.Session, body=questions.SignIn),
    Route("POST", "/sign-out", VIEWER, entry.sign_out, "End the session", answers.Health),
    Route("GET", "/api/openapi.json", VIEWER, pages.openapi, "This document", dict[str, Any]),
    Route("GET", "/api/session", VIEWER, entry.session, "Who is signed in", answers.Session),
    Route("GET", "/api/spend", VIEWER, spend.spend, "Totals, rows and a series over some days; CSV of the rows",
          answers.Spend, questions.SpendQuery),
    Route("GET", "/api/breakeven", VIEWER, economics.breakeven, "Whether the GPU is worth its rent",
          answers.BreakEvenAnswer),
    Route("GET", "/api/budgets", VIEWER, operations.budgets, "Budgets: used, held, left", answers.Budgets),
    Route("GET", "/api/backends", VIEWER, operations.backends, "Backends, workers, the ledger and the policy",
          answers.Operations),
    Route("GET", "/api/requests", VIEWER, decisions.requests, "Decisions, latest first",
          answers.Requests, questions.RequestsQuery),
    Route("GET", "/api/requests/{id}", VIEWER, decisions.request, "One decision, explained", answers.RequestDetail),
    Route("GET", "/api/events", VIEWER, live.events, "What changes, as server-sent events", media="text/event-stream"),
    Route("GET", "/api/policy", VIEWER, desk_api.policy, "The policy's text and state", answers.PolicyText),
    Route("POST", "/api/policy/check", VIEWER, desk_api.check, "What is wrong with a draft, and what it changes",
          answers.CheckAnswer, body=questions.Draft),
    Route("POST", "/api/policy/explain", VIEWER, desk_api.explain, "Where a request would go by a draft, and why",
          answers.ExplainAnswer, body=questions.ExplainDraft),
    Route("POST", "/api/policy/apply", ADMIN, desk_api.apply, "Write a draft to the policy's file",
          answers.Applied, body=questions.ApplyDraft, conditional=True),
    Route("GET", "/api/policy/history", VIEWER, desk_api.history, "Versions that were in force", answers.History),
    Route("GET", "/api/policy/history/{version}", VIEWER, desk_api.version, "The text of one of them",
          answers.HistoryText),
    Route("POST", "/api/policy/rollback", ADMIN, desk_api.roll_back, "Write an earlier version to the policy's file",
          answers.Applied, body=questions.RollBack, conditional=True),
    Route("GET", "/sign-in", OPEN, pages.sign_in, "The sign-in page", media="text/html"),
    Route("GET", "/assets/{name}", OPEN, pages.asset, "A style, script or image", media="application/octet-stream"),
    Route("GET", "/", VIEWER, pages.index, "The dashboard", media="text/html", page=True),
    Route("GET", "/{name}", VIEWER, pages.page, "Another page", media="text/html", page=True),
)
# fmt: on
