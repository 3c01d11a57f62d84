"""What goes wrong between the gateway and a backend."""

from __future__ import annotations

from router.core.resilience.retry import Fault


class UpstreamError(Exception):
    """An attempt failed without an answer that could be relayed.

    `stale`: a connection that had idled was closed by the other side just as it was used, before any byte of an
    answer; that says nothing about the backend's health.
    """

    def __init__(self, fault: Fault, detail: str, *, stale: bool = False) -> None:
        super().__init__(f"{fault.value} ({detail})" if detail else fault.value)
        self.fault = fault
        self.detail = detail
        self.stale = stale


class EgressViolation(Exception):
    """A request was about to be written to a zone that it may not reach. Always a defect; never retried."""
