"""One policy in force, with everything that was made from it."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from router.core.detectors import Detectors
from router.core.holding import Holding
from router.core.recall import Recall
from router.core.values import Plan
from router.upstream.fleet import BackendRuntime


class Serving(Struct, frozen=True):
    """One policy in force. A request keeps the one that it began with: after a reload the same name may stand for
    another machine, in another zone."""

    plan: Plan
    recall: Recall
    detectors: Detectors
    backends: Mapping[str, BackendRuntime]
    holding: Holding
