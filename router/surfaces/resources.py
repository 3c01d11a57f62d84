"""What of a provider's API is neither asked of a model nor its answer: objects that a backend keeps for clients."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Final

from router.core.values import Usage
from router.surfaces.base import Surface
from router.surfaces.sse import MAX_EVENT, EventScanner


class Operation:
    """What may be done at one path with one method.

    `resource` is what policies call it; `pattern` the path's segments, "" where an id stands.

        makes    its answer is a new object, known by its id from then on
        lists    its answer lists objects of whoever asks
        deletes  the object is gone afterwards
        spends   it begins what costs money beside its answer
        streams  its answer is content, of any size
    """

    __slots__ = ("deletes", "lists", "makes", "method", "pattern", "resource", "spends", "streams")

    def __init__(self, resource: str, method: str, pattern: tuple[str, ...], marks: frozenset[str]) -> None:
        self.resource: Final = resource
        self.method: Final = method
        self.pattern: Final = pattern
        self.makes: Final = "makes" in marks
        self.lists: Final = "lists" in marks
        self.deletes: Final = "deletes" in marks
        self.spends: Final = "spends" in marks
        self.streams: Final = "streams" in marks


class Asked:
    """An operation with its ids, of which the first is the object's own and the others are within it. `path` is what
    stands behind a backend's URL."""

    __slots__ = ("ids", "operation", "path")

    def __init__(self, operation: Operation, ids: tuple[str, ...], path: str) -> None:
        self.operation: Final = operation
        self.ids: Final = ids
        self.path: Final = path


class MadeScanner(EventScanner):
    """Reads a stream of events in which objects are made; it removes nothing."""

    __slots__ = ("made",)

    def __init__(self, *, max_event: int = MAX_EVENT) -> None:
        super().__init__(max_event=max_event)
        self.made: dict[str, None] = {}
        """Their ids; used as a set that keeps its order."""


class KeptObjects(ABC):
    """What one dialect knows of them. `surface` reads bodies and words errors. `shown` is the outline of an answer, see
    `long_json`."""

    def __init__(self, surface: Surface, operations: tuple[Operation, ...]) -> None:
        self.surface: Final = surface
        self.operations: Final = operations
        self.names: Final = tuple(dict.fromkeys(each.resource for each in operations))
        """Of all resources."""

    @abstractmethod
    def find(self, method: str, path: str) -> Asked | None:
        """What is asked for at a path behind the gateway's `PREFIX`; None where there is no such thing."""

    @abstractmethod
    def methods_at(self, path: str) -> tuple[str, ...]:
        """Those that a path takes."""

    @abstractmethod
    def id_in(self, shown: bytes) -> str:
        """The id of a new object; empty where an answer has none."""

    @abstractmethod
    def named_in(self, shown: bytes) -> Iterable[str]:
        """Ids of other objects that an answer says were made."""

    @abstractmethod
    def within(self, shown: bytes) -> Iterable[str]:
        """Ids of what an answer says was made within an object: its own, or of all that it lists."""

    @abstractmethod
    def used_in(self, asked: Asked, shown: bytes, answer: bytes) -> Usage | None:
        """What an object used that a backend went on with in the background; None while it goes on, where that is not
        told, and of an answer that is about another object."""

    @abstractmethod
    def scanner(self, asked: Asked) -> EventScanner:
        """What reads a stream of events to its end; one in which objects are made is a `MadeScanner`."""

    @abstractmethod
    def speaker(self, asked: Asked) -> Surface:
        """Whose dialect those events are in."""

    @abstractmethod
    def page_in(self, body: bytes) -> tuple[list[tuple[str, bytes]], bool] | None:
        """The items of a list's page, as they came, with their ids; and whether more follow. None for what is none."""

    @abstractmethod
    def page_of(self, last: bytes, items: Sequence[tuple[str, bytes]], *, more: bool) -> bytes:
        """A page of these, with all else as in the last one that came."""

    @abstractmethod
    def default_limit(self, asked: Asked) -> int:
        """Items on a page for who does not say how many."""
