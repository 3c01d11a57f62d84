"""By which entry of its `serves` a backend serves a model, where names and patterns may stand."""

from __future__ import annotations

from router.core.backend_kinds import Backend, Served
from router.core.name_patterns import closest, filled, is_pattern


def served_as(backend: Backend, model: str) -> tuple[str, Served]:
    """The entry that means a model: its name or pattern there, and what the upstream calls that model.

    Raises KeyError when there is none.
    """
    key = closest(backend.serves, model)
    if key is None:
        raise KeyError(model)
    entry = backend.serves[key]
    served = entry if isinstance(entry, Served) else Served(model=entry)
    if is_pattern(key):
        served = served.model_copy(update={"model": filled(served.model, key, model)})
    return key, served
