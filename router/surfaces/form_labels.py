"""Labels in the `metadata` of a form: as the JSON member of that name has them, however a client spells it in fields.

`metadata` with an object in JSON; `metadata[sensitivity]`, `metadata[tags]`, `metadata[tags][]` or with dots, as often
as they come. What cannot be understood is a label that no policy knows, and so counts as the most restricted level.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from router.core.reading import BadBody, each_once, split_names
from router.core.sensitivity.gate import MALFORMED
from router.core.values import Label
from router.surfaces.form import Form, Part, read_form, told_by
from router.surfaces.json_object import labels_in

_SOURCE: Final = "metadata"
_UNKNOWN: Final = Label(level=MALFORMED, source=_SOURCE)
_STEPS = re.compile(r"[^\[\].]+")
_NAMED = re.compile(rb"name\*?[ \t]*=[^\r\n]{0,32}metadata", re.IGNORECASE)
_decode = msgspec.json.Decoder().decode


def labels_of(form: Form) -> tuple[Label, ...]:
    """Those of all its parts, in their order."""
    return each_once([label for part in form.parts for label in _of_part(form, part)])


def labels_of_body(body: bytes) -> tuple[Label, ...]:
    """The same for a form that came without its type. In one that may be read in two ways, nobody can tell what the
    field says that seems to be there."""
    try:
        form = read_form(body, told_by(body))
    except BadBody:
        return (_UNKNOWN,) if _NAMED.search(body) else ()
    return labels_of(form)


def _of_part(form: Form, part: Part) -> Iterator[Label]:
    root, *steps = [step.lower() for step in _STEPS.findall(part.name)]
    steps = [step for step in steps if not step.isdecimal()]
    if root != "metadata" or (steps and steps[0] not in ("sensitivity", "tags")):
        return
    text = form.content(part).decode(errors="replace").strip()
    if not steps:
        yield from _of_object(text)
    elif len(steps) > 1:
        yield _UNKNOWN
    elif steps[0] == "sensitivity":
        yield Label(level=text, source=_SOURCE)
    else:
        yield Label(tags=_tags(text), source=_SOURCE)


def _of_object(text: str) -> tuple[Label, ...]:
    if not text:
        return ()
    try:
        return labels_in({"metadata": msgspec.Raw(text.encode())})
    except BadBody:
        return (_UNKNOWN,)


def _tags(text: str) -> tuple[str, ...]:
    """Names separated by commas, or a list in JSON."""
    if not text.startswith("["):
        return split_names(text)
    try:
        given: Any = _decode(text)
    except (ValueError, RecursionError):
        return (MALFORMED,)
    return tuple([each if isinstance(each, str) else MALFORMED for each in given])
