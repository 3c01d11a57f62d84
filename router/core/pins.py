"""Where something is kept that a backend stored for a client, and who may continue it.

An answer, a conversation or a file that a backend keeps is known to clients by an id. Whoever sends that id asks for
what is behind it, so that the request may only go to where it is, only its own team may send it, and it is at least as
sensitive as all that was ever said there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from router.core.values import Label

SOURCE = "stored object"
"""Where the labels of pins come from, for people."""
_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}")


class Pin(Struct, frozen=True, gc=False):
    """One stored object."""

    backend: str
    replica: str
    """Which machine keeps it: `identity` of the target that made it."""
    model: str
    """Name of the model that made it; empty for what no model made."""
    team: str
    key: str
    """Name of the key that had it made."""
    levels: tuple[str, ...] = ()
    """Of everything that was said there, in no order: the highest counts."""
    tags: tuple[str, ...] = ()

    def labelled(self, levels: Iterable[str], tags: Iterable[str]) -> Pin:
        """With these besides its own: labels are only ever added."""
        return replace(
            self,
            levels=tuple(sorted({*self.levels, *levels})),
            tags=tuple(sorted({*self.tags, *tags})),
        )

    def covers(self, levels: Iterable[str], tags: Iterable[str]) -> bool:
        """Whether it has these labels already."""
        return set(levels) <= {*self.levels} and set(tags) <= {*self.tags}


class NotKept(Struct, frozen=True):
    """Why something cannot be continued that is not there, or not for whoever asks: an error of the request."""

    status: int
    code: str
    message: str
    param: str | None = None


def shown_id(id: str) -> str:
    """An id in quotes, if it looks like one."""
    return f"'{id}'" if _ID.fullmatch(id) else "that was given"


def labels_of(pins: Iterable[Pin]) -> tuple[Label, ...]:
    """What a request is labelled with that continues these. One that was stored while the policy had no levels has
    said nothing of itself, which counts as a level that nobody knows: the most restricted one."""
    levels: dict[str, None] = {}
    tags: dict[str, None] = {}
    for pin in pins:
        levels |= dict.fromkeys(pin.levels or ("",))
        tags |= dict.fromkeys(pin.tags)
    given = tuple([Label(level=level, source=SOURCE) for level in levels])
    return (*given, Label(tags=tuple(tags), source=SOURCE)) if tags else given


def foreign(ids: Iterable[str], found: Mapping[str, Pin], team: str) -> str:
    """The first of these ids that is nobody's or another team's, which is the same to whoever asks; "" for none."""
    for id in ids:
        pin = found.get(id)
        if pin is None or pin.team != team:
            return id
    return ""
