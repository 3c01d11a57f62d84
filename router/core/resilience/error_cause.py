"""Whom an error speaks of, and so whether another backend may do better.

request      what the client asked for: its answer
content      what the client wrote was refused: its answer, and nobody else is asked
names        what the policy calls the model or its address: ours to mend; others may know it
asked        what the client calls the model, where the policy lets it: its answer, unless others know it
credentials  our key, our proxy
unpaid       our bill, until somebody pays it: no wait and no second try helps
limit        a rate: it passes
unable       a backend lacks what is asked: another one may have it
nothing      a 403 that does not say: no reason to think ill of the backend
backend      all else
"""

from __future__ import annotations

from enum import StrEnum


class ErrorCause(StrEnum):
    REQUEST = "request"
    CONTENT = "content"
    NAMES = "names"
    ASKED = "asked"
    CREDENTIALS = "credentials"
    UNPAID = "unpaid"
    LIMIT = "limit"
    UNABLE = "unable"
    NOTHING = "nothing"
    BACKEND = "backend"


STATUSES: dict[int, ErrorCause] = {
    401: ErrorCause.CREDENTIALS,
    402: ErrorCause.UNPAID,
    403: ErrorCause.NOTHING,
    404: ErrorCause.NAMES,
    407: ErrorCause.CREDENTIALS,
    408: ErrorCause.BACKEND,
    425: ErrorCause.BACKEND,
    429: ErrorCause.LIMIT,
}
"""Of what says no more than its status; other 4xx are the request's, and the rest the backend's."""


def cause_of_status(status: int) -> ErrorCause:
    """Of an answer with an error status that says nothing more."""
    default = ErrorCause.REQUEST if 400 <= status < 500 else ErrorCause.BACKEND
    return STATUSES.get(status, default)
