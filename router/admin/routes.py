"""The one table of the control plane: who may call what.

The application, the OpenAPI document and the tests are all made from it; there is no route beside it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Struct

from router.admin import request_types
from router.admin.alerts import answers as alerting
from router.admin.alerts import api as alerts
from router.admin.answers.break_even import BreakEvenAnswer
from router.admin.answers.budgets import Budgets
from router.admin.answers.glance import Glance
from router.admin.answers.operations import Operations
from router.admin.answers.outcome import Health
from router.admin.answers.power import PowerOrdered
from router.admin.answers.requests import RequestDetail, Requests
from router.admin.answers.spend import Spend
from router.admin.answers.worth import Supposed, WorthAnswer
from router.admin.audit import answers as audit_answers
from router.admin.audit import api as audit
from router.admin.auth import sign_in
from router.admin.auth.answers import Session, SignInWays
from router.admin.auth.oidc import handlers as oidc
from router.admin.auth.roles import Access
from router.admin.handler_context import HandlerContext, HandlerRequest
from router.admin.keys import answers as key_answers
from router.admin.keys import api as keys
from router.admin.playground import api as playground
from router.admin.playground.answers import PlaygroundChoices, PlaygroundLine
from router.admin.policy import api as policy
from router.admin.policy.answers import (
    Applied,
    CheckAnswer,
    ExplainAnswer,
    History,
    HistoryText,
    MergeAnswer,
    PolicyText,
)
from router.admin.simulation import api as simulation
from router.admin.simulation.answers import SimulationLine
from router.admin.sizing import api as sizing
from router.admin.sizing.answers import Sized, SizingChoices, SizingQuery
from router.admin.teams import answers as team_answers
from router.admin.teams import api as teams
from router.admin.telemetry import prometheus
from router.admin.views import breakeven, glance, live_events, operations, pages, requests, spend, worth

Handler = Callable[[HandlerContext, HandlerRequest], Awaitable[Any]]


class Route(Struct, frozen=True):
    """`answer` is the type of the JSON answer, or of each of its lines, or None where `media` says that it is something
    else."""

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
    audit: str = ""
    """The action that it leaves in the audit; of a write that leaves none, in more than one word why."""
    conditional: bool = False
    """Needs If-Match with the version that was seen of what it changes."""

    @property
    def methods(self) -> tuple[str, ...]:
        """All that it is answered to. A GET that does something, as the audit then says, is none to look at only."""
        return ("GET", "HEAD") if self.method == "GET" and not self.audit else (self.method,)

    @property
    def writes(self) -> bool:
        return self.method != "GET"


TRIED = "nothing is changed: a draft is tried"
OPEN, MEMBER, VIEWER, EDITOR, ADMIN = Access

# One line or two each, to be read as a table.
# fmt: off
ROUTES: tuple[Route, ...] = (
    Route("GET", "/healthz", OPEN, operations.health, "This process runs", Health, any_host=True),
    Route("GET", "/metrics", VIEWER, prometheus.scrape, "Prometheus metrics", media="text/plain"),
    Route("POST", "/sign-in", OPEN, sign_in.sign_in, "Sign in with a token; makes a session cookie",
          Session, body=request_types.SignIn, audit="sign-in"),
    Route("POST", "/sign-out", MEMBER, sign_in.sign_out, "End the session", Health, audit="sign-out"),
    Route("GET", "/api/sign-in", OPEN, sign_in.ways, "How to sign in", SignInWays,
          query=request_types.SignInQuery),
    Route("GET", "/sign-in/begin", OPEN, oidc.begin, "On to the provider that people sign in with", media="text/html"),
    Route("GET", "/sign-in/callback", OPEN, oidc.finish, "Back from it; makes a session cookie", media="text/html",
          audit="sign-in"),
    Route("GET", "/api/openapi.json", MEMBER, pages.openapi, "This document", dict[str, Any]),
    Route("GET", "/api/session", MEMBER, sign_in.session, "Who is signed in", Session),
    Route("GET", "/api/spend", MEMBER, spend.spend, "Totals, rows and a series over some days; CSV of the rows",
          answer=Spend, query=request_types.SpendQuery),
    Route("GET", "/api/spend/glance", MEMBER, glance.glance, "Spend of each of the last days and of this month",
          answer=Glance, query=request_types.GlanceQuery),
    Route("GET", "/api/worth", VIEWER, worth.worth, "What own GPUs saved or lost: net = cloud alone - bought - rent",
          WorthAnswer),
    Route("GET", "/api/worth/suppose", VIEWER, worth.suppose, "The last week's traffic under other terms",
          answer=Supposed, query=request_types.WhatIfQuery),
    Route("GET", "/api/sizing", VIEWER, sizing.sizing, "Whether a model fits a card, and at what price", Sized,
          query=SizingQuery),
    Route("GET", "/api/sizing/choices", VIEWER, sizing.choices, "Models and cards that are known", SizingChoices),
    Route("GET", "/api/breakeven", VIEWER, breakeven.breakeven, "Whether the GPU is worth its rent",
          BreakEvenAnswer),
    Route("GET", "/api/budgets", MEMBER, operations.budgets, "Budgets: used, held, left", Budgets),
    Route("GET", "/api/backends", VIEWER, operations.backends, "Backends, workers, the ledger and the policy",
          Operations),
    Route("POST", "/api/power", ADMIN, operations.order_power, "Order a backend's units on, off, or as the policy says",
          PowerOrdered, body=request_types.PowerOrder, audit="power.order"),
    Route("GET", "/api/alerts", VIEWER, alerts.alerts, "What is wrong, what was told, and how it goes with targets",
          alerting.AlertsAnswer),
    Route("POST", "/api/alerts/test", ADMIN, alerts.test, "Send one message to a target", alerting.Tested,
          body=alerting.TestAlert, audit="alert.test"),
    Route("GET", "/api/report", VIEWER, alerts.report, "The week that ended yesterday", alerting.WeekAnswer),
    Route("GET", "/api/requests", VIEWER, requests.requests, "Decisions, latest first",
          answer=Requests, query=request_types.RequestsQuery),
    Route("GET", "/api/requests/{id}", VIEWER, requests.request, "One decision, explained",
          RequestDetail),
    Route("GET", "/api/events", VIEWER, live_events.events, "What changes, as server-sent events",
          media="text/event-stream"),
    Route("GET", "/api/policy", VIEWER, policy.policy, "The policy's text and state", PolicyText),
    Route("GET", "/api/policy/schema", VIEWER, policy.schema, "The JSON Schema of the policy file", dict[str, Any]),
    Route("POST", "/api/policy/check", VIEWER, policy.check, "What is wrong with a draft, and what it changes",
          CheckAnswer, body=request_types.Draft, audit=TRIED),
    Route("POST", "/api/policy/merge", VIEWER, policy.merged, "A draft and what the file has become since, in one text",
          MergeAnswer, body=request_types.MergeDraft, audit=TRIED),
    Route("POST", "/api/policy/explain", VIEWER, policy.explain, "Where a request would go by a draft, and why",
          ExplainAnswer, body=request_types.ExplainDraft, audit=TRIED),
    Route("POST", "/api/policy/simulate", VIEWER, simulation.simulate, "A draft on the last 7 days' traffic, in lines",
          SimulationLine, body=request_types.Draft, media=simulation.MEDIA, audit=TRIED),
    Route("POST", "/api/policy/apply", EDITOR, policy.apply, "Write a draft to the policy's file",
          Applied, body=request_types.ApplyDraft, audit="policy.apply", conditional=True),
    Route("GET", "/api/policy/history", VIEWER, policy.history, "Versions that were in force", History),
    Route("GET", "/api/policy/history/{version}", VIEWER, policy.version, "The text of one of them",
          HistoryText),
    Route("POST", "/api/policy/rollback", EDITOR, policy.roll_back, "Write an earlier version to the policy's file",
          Applied, body=request_types.RollBack, audit="policy.rollback", conditional=True),
    Route("GET", "/api/keys", MEMBER, keys.keys, "Keys of the policy and of the ledger, those of one's teams",
          key_answers.Keys, query=key_answers.KeysQuery),
    Route("POST", "/api/keys", ADMIN, keys.make, "Make a key in the ledger; its secret is told only here",
          key_answers.KeyMade, body=key_answers.NewKey, audit="key.make"),
    Route("GET", "/api/keys/{id}", MEMBER, keys.key, "One key, with how its limits stand", key_answers.KeyRow),
    Route("PUT", "/api/keys/{id}", ADMIN, keys.edit, "What a key of the ledger may from now on", key_answers.KeyRow,
          body=key_answers.KeySettings, audit="key.edit", conditional=True),
    Route("POST", "/api/keys/{id}/rotate", ADMIN, keys.rotate, "A new key in place of one in the ledger",
          key_answers.KeyMade, body=key_answers.Rotation, audit="key.rotate"),
    Route("POST", "/api/keys/{id}/revoke", ADMIN, keys.revoke, "End a key of the ledger, and what it replaced",
          key_answers.KeysChanged, audit="key.revoke"),
    Route("GET", "/api/teams", MEMBER, teams.teams, "Teams: keys, budgets, spend; one's own", team_answers.Teams,
          query=team_answers.TeamsQuery),
    Route("GET", "/api/teams/{name}", MEMBER, teams.team, "One team, with its keys and how its limits stand",
          team_answers.TeamRow),
    Route("PUT", "/api/teams/{name}/budget", ADMIN, teams.put_budget, "Set a team's budget in the ledger",
          team_answers.TeamRow, body=team_answers.TeamBudget, audit="team.edit", conditional=True),
    Route("DELETE", "/api/teams/{name}/budget", ADMIN, teams.remove_budget, "Remove a team's budget from the ledger",
          team_answers.TeamRow, audit="team.remove", conditional=True),
    Route("GET", "/api/playground", MEMBER, playground.offered, "Whose rights requests can be tried with",
          PlaygroundChoices),
    Route("POST", "/api/playground", MEMBER, playground.attempt, "Try one request with a key's rights, in lines",
          PlaygroundLine, body=request_types.Attempt, media=playground.MEDIA,
          audit="playground.try"),
    Route("GET", "/api/audit", ADMIN, audit.entries, "Who did what, latest first", audit_answers.AuditEntries,
          query=audit_answers.AuditQuery),
    Route("GET", "/api/audit/export", ADMIN, audit.export, "All of it, as it is kept: one entry a line",
          media=audit.MEDIA),
    Route("GET", "/sign-in", OPEN, pages.sign_in, "The sign-in page", media="text/html"),
    Route("GET", "/assets/{name}", OPEN, pages.asset, "A style, script or image",
          media="application/octet-stream"),
    Route("GET", "/playground", MEMBER, pages.playground, "Try a request", media="text/html", page=True),
    Route("GET", "/", MEMBER, pages.index, "The dashboard", media="text/html", page=True),
    Route("GET", "/spend", MEMBER, pages.spend, "The page of spend", media="text/html", page=True),
    Route("GET", "/teams", MEMBER, pages.teams, "The page of teams", media="text/html", page=True),
    Route("GET", "/audit", ADMIN, pages.audit, "The page of the audit", media="text/html", page=True),
    Route("GET", "/keys", MEMBER, pages.keys, "The page of keys", media="text/html", page=True),
    Route("GET", "/{name}", VIEWER, pages.page, "Another page", media="text/html", page=True),
)
# fmt: on
