"""Which objects OpenAI's API keeps for clients, and what may be done with them at which path.

https://platform.openai.com/docs/api-reference. What is not here there is not: assistants of their own, projects, keys.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from router.surfaces.resources import Asked, Operation

_LINES: Mapping[str, tuple[str, ...]] = {
    "responses": (
        "GET /responses/*",
        "DELETE /responses/* deletes",
        "GET /responses/*/input_items",
        "POST /responses/*/cancel",
    ),
    "stored_completions": (
        "GET /chat/completions lists",
        "GET /chat/completions/*",
        "POST /chat/completions/*",
        "DELETE /chat/completions/* deletes",
        "GET /chat/completions/*/messages",
    ),
    "conversations": (
        "POST /conversations makes",
        "GET /conversations/*",
        "POST /conversations/*",
        "DELETE /conversations/* deletes",
        "GET /conversations/*/items",
        "POST /conversations/*/items",
        "GET /conversations/*/items/*",
        "DELETE /conversations/*/items/*",
    ),
    "files": (
        "POST /files makes",
        "GET /files lists",
        "GET /files/*",
        "DELETE /files/* deletes",
        "GET /files/*/content streams",
    ),
    "uploads": (
        "POST /uploads makes",
        "POST /uploads/*/parts",
        "POST /uploads/*/complete",
        "POST /uploads/*/cancel",
    ),
    "vector_stores": (
        "POST /vector_stores makes",
        "GET /vector_stores lists",
        "GET /vector_stores/*",
        "POST /vector_stores/*",
        "DELETE /vector_stores/* deletes",
        "POST /vector_stores/*/search",
        "POST /vector_stores/*/files",
        "GET /vector_stores/*/files",
        "GET /vector_stores/*/files/*",
        "POST /vector_stores/*/files/*",
        "DELETE /vector_stores/*/files/*",
        "GET /vector_stores/*/files/*/content",
        "POST /vector_stores/*/file_batches",
        "GET /vector_stores/*/file_batches/*",
        "POST /vector_stores/*/file_batches/*/cancel",
        "GET /vector_stores/*/file_batches/*/files",
    ),
    "containers": (
        "POST /containers makes spends",
        "GET /containers lists",
        "GET /containers/*",
        "DELETE /containers/* deletes",
        "POST /containers/*/files",
        "GET /containers/*/files",
        "GET /containers/*/files/*",
        "DELETE /containers/*/files/*",
        "GET /containers/*/files/*/content streams",
    ),
    "batches": (
        "POST /batches makes spends",
        "GET /batches lists",
        "GET /batches/*",
        "POST /batches/*/cancel",
    ),
    "fine_tuning": (
        "POST /fine_tuning/jobs makes spends",
        "GET /fine_tuning/jobs lists",
        "GET /fine_tuning/jobs/*",
        "POST /fine_tuning/jobs/*/cancel",
        "POST /fine_tuning/jobs/*/pause",
        "POST /fine_tuning/jobs/*/resume spends",
        "GET /fine_tuning/jobs/*/events",
        "GET /fine_tuning/jobs/*/checkpoints",
        "POST /fine_tuning/alpha/graders/run spends",
        "POST /fine_tuning/alpha/graders/validate",
    ),
    "evals": (
        "POST /evals makes",
        "GET /evals lists",
        "GET /evals/*",
        "POST /evals/*",
        "DELETE /evals/* deletes",
        "POST /evals/*/runs spends",
        "GET /evals/*/runs",
        "GET /evals/*/runs/*",
        "POST /evals/*/runs/*/cancel",
        "DELETE /evals/*/runs/*",
        "GET /evals/*/runs/*/output_items",
        "GET /evals/*/runs/*/output_items/*",
    ),
    "videos": (
        "POST /videos makes spends",
        "POST /videos/edits makes spends",
        "POST /videos/extensions makes spends",
        "POST /videos/characters makes",
        "GET /videos/characters/*",
        "GET /videos lists",
        "GET /videos/*",
        "DELETE /videos/* deletes",
        "GET /videos/*/content streams",
        "POST /videos/*/remix makes spends",
    ),
    "voices": (
        "POST /audio/voice_consents makes",
        "GET /audio/voice_consents lists",
        "GET /audio/voice_consents/*",
        "POST /audio/voice_consents/*",
        "DELETE /audio/voice_consents/* deletes",
        "POST /audio/voices makes spends",
        "GET /audio/voices lists",
        "DELETE /audio/voices/* deletes",
    ),
    "skills": (
        "POST /skills makes",
        "GET /skills lists",
        "GET /skills/*",
        "POST /skills/*",
        "DELETE /skills/* deletes",
        "GET /skills/*/content streams",
        "POST /skills/*/versions",
        "GET /skills/*/versions",
        "GET /skills/*/versions/*",
        "DELETE /skills/*/versions/*",
        "GET /skills/*/versions/*/content streams",
    ),
    "assistants": (
        "POST /assistants makes",
        "GET /assistants lists",
        "GET /assistants/*",
        "POST /assistants/*",
        "DELETE /assistants/* deletes",
    ),
    "threads": (
        "POST /threads makes",
        "GET /threads/*",
        "POST /threads/*",
        "DELETE /threads/* deletes",
        "POST /threads/*/messages",
        "GET /threads/*/messages",
        "GET /threads/*/messages/*",
        "POST /threads/*/messages/*",
        "DELETE /threads/*/messages/*",
        "POST /threads/*/runs spends",
        "GET /threads/*/runs",
        "GET /threads/*/runs/*",
        "POST /threads/*/runs/*",
        "POST /threads/*/runs/*/cancel",
        "POST /threads/*/runs/*/submit_tool_outputs spends",
        "GET /threads/*/runs/*/steps",
        "GET /threads/*/runs/*/steps/*",
    ),
}
"""By what policies call them: method, path with an asterisk for an id, and what `Operation` says of it."""

_NO_IDS = frozenset({"/threads/runs"})
"""Paths that are not here, where an id could stand."""
_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_ESCAPED = re.compile("%([0-9A-Fa-f]{2})")
_DOTS = frozenset({".", ".."})


def _operation(resource: str, line: str) -> Operation:
    method, path, *marks = line.split(" ")
    pattern = tuple("" if segment == "*" else segment for segment in path.split("/")[1:])
    return Operation(resource, method, pattern, frozenset(marks))


OPERATIONS = tuple(_operation(name, line) for name, lines in _LINES.items() for line in lines)


def find(method: str, path: str) -> Asked | None:
    """What is asked for at a path behind the version. None where there is no such thing: what could be no id, or could
    be another path to whoever reads it next, is none."""
    if path in _NO_IDS:
        return None
    segments = path.split("/")[1:]
    for operation in OPERATIONS:
        if operation.method == method and len(operation.pattern) == len(segments):
            ids = _ids(operation.pattern, segments)
            if ids is not None:
                return Asked(operation, ids, _path(operation.pattern, ids))
    return None


def methods_at(path: str) -> tuple[str, ...]:
    """Those that a path takes."""
    return tuple(each for each in ("GET", "POST", "DELETE") if find(each, path) is not None)


def _ids(pattern: tuple[str, ...], segments: list[str]) -> tuple[str, ...] | None:
    ids = []
    for name, segment in zip(pattern, segments, strict=True):
        if not name:
            id = _ESCAPED.sub(_unescaped, segment)
            if not _ID.fullmatch(id) or id in _DOTS:
                return None
            ids.append(id)
        elif name != segment:
            return None
    return tuple(ids)


def _unescaped(found: re.Match[str]) -> str:
    return chr(int(found[1], 16))


def _path(pattern: tuple[str, ...], ids: tuple[str, ...]) -> str:
    rest = iter(ids)
    return "".join(f"/{name or next(rest)}" for name in pattern)
