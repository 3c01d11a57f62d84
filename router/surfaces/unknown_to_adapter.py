"""What the adapter says of a backend that it does not know, or knows otherwise.

It has read another policy than who asks for that backend, and the next one may know it.
"""

from __future__ import annotations

from router.surfaces.openai.complaint import complaint_in

CHANGED = "backend_changed"
NOT_FOUND = "backend_not_found"
"""Codes of errors."""


def is_unknown(status: int, body: bytes) -> bool:
    """Whether an answer of the adapter's is such an error."""
    if status not in (404, 503):
        return False
    complaint = complaint_in(body)
    return complaint is not None and (CHANGED in complaint.words or NOT_FOUND in complaint.words)
