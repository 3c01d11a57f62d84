"""The one interface to what clients and backends say: a surface is one endpoint in one dialect.

The gateway finds the surface of a request by its path, once, and from then on asks it. It holds nothing of a request.
A class and no protocol: compiled, its methods are called as quickly as functions.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import ClassVar, Final

from router.core.estimated_usage import BYTES_PER_TOKEN
from router.core.pins import NotKept, shown_id
from router.core.reading import Reading
from router.core.resilience.error_cause import ErrorCause
from router.core.values import Route, Usage
from router.surfaces.byte_stream import ByteScanner
from router.surfaces.edited import Edited
from router.surfaces.sse import EventScanner

PREFIX = "/v1"
"""Of the gateway's paths, by default; a backend's URL says its own."""


class Surface(ABC):
    """`name` is what policies, cases and commands call it; `path` stands behind a backend's URL, and behind `PREFIX`
    where `paths` names no other paths of the gateway's."""

    writes: ClassVar[bool] = True
    """Whether its answers are text, or what else is paid as output."""
    free: ClassVar[bool] = False
    """Its answers cost nothing, so that nothing is held for them."""
    paid_by: ClassVar[tuple[str, ...]] = ()
    """Settings of a price that it is usually paid by, the likeliest first, where that is not by tokens of text."""
    operation: ClassVar[str] = ""
    """What telemetry's conventions call its requests, where they have another word than its name."""
    expected_headers: ClassVar[Mapping[str, str]] = {}
    """What backends expect of a request in this dialect, for clients that do not send it."""
    end_user: ClassVar[tuple[str, ...]] = ("user", "safety_identifier")
    """Where a body says whom it is asked for, the first that is there; a dot leads into an object."""
    id_header: ClassVar[str] = ""
    """Where SDKs of this dialect look for a request's id, besides x-request-id."""

    def __init__(
        self,
        name: str,
        path: str,
        models_path: str,
        output_limit: str,
        *,
        paths: tuple[str, ...] = (),
        at_root: bool = False,
        asked_in: tuple[str, ...] = (),
        takes_forms: bool = False,
    ) -> None:
        self.name: Final = name
        self.path: Final = path
        self.paths: Final = paths or (PREFIX + path,)
        """The gateway's, whole: where it is posted to. Plain ones, see `surfaces.paths`."""
        self.at_root: Final = at_root
        """`path` stands behind a backend's URL without its version: vLLM's /tokenize is beside /v1."""
        self.asked_in: Final = asked_in
        """Fields of which each tells a body from those of other surfaces, where none but the body says whose it is."""
        self.takes_forms: Final = takes_forms
        """Its bodies may be forms, and are read with what they say they are, see `read_as`."""
        self.output_limit: Final = output_limit
        """The field with which a client limits how long an answer gets."""
        self.models_path: Final = models_path
        """Where clients of this dialect ask which models there are."""

    # --- requests

    @abstractmethod
    def read(self, body: bytes) -> Reading:
        """What a body asks, which is not compressed. Raises BadBody when that cannot be told."""

    def read_as(self, body: bytes, content_type: str) -> Reading:
        """The same of a body that says what it is; whoever takes no forms takes all as JSON."""
        return self.read(body)

    @abstractmethod
    def edit(self, body: bytes, reading: Reading, route: Route) -> Edited:
        """`body`, from which `reading` was made, as a route takes it: with its name of the model, and asking a stream
        for its usage. Every other byte stays as it came."""

    @abstractmethod
    def example(self, model: str, prompt: str) -> bytes:
        """The smallest body that sends a prompt."""

    # --- answers

    @abstractmethod
    def scanner(self, reading: Reading, route: Route) -> EventScanner:
        """What reads the stream of one attempt."""

    def byte_scanner(self, reading: Reading, media_type: bytes) -> EventScanner:
        """What reads an answer in bytes, where `reading` says that there may be one."""
        known = Usage(input=reading.input_tokens + reading.likely.audio_input, estimated=True, units=reading.likely)
        return ByteScanner(known, BYTES_PER_TOKEN)

    @abstractmethod
    def read_answer(self, body: bytes) -> tuple[bool, Usage | None]:
        """Whether a body that came with status 200 is an answer; and its `usage_of`."""

    @abstractmethod
    def usage_of(self, body: bytes) -> Usage | None:
        """What a body reports, whatever it is; None for nothing that can be understood."""

    @abstractmethod
    def text_bytes_of(self, body: bytes) -> int:
        """The weight of the text that an answer's body produced, see `core.estimated_usage`."""

    # --- errors of backends

    @abstractmethod
    def error_status(self, body: bytes) -> int:
        """The HTTP status that a body, or the data of an event, should have come with; 0 when it is no error."""

    @abstractmethod
    def error_cause(self, status: int, body: bytes) -> ErrorCause:
        """Whom an answer with an error status speaks of."""

    @abstractmethod
    def reset_asked(self, headers: Mapping[str, str]) -> float | None:
        """Seconds until a limit of the backend's is lifted that an answer's headers say is used up; None where they do
        not say. Names are in lower case."""

    @abstractmethod
    def relayed_error(self, status: int, body: bytes, request_id: str = "") -> bytes:
        """The body of an error answer as the client may see it; our credentials have been taken out of it."""

    @abstractmethod
    def relayed_event(self, scanner: EventScanner, event: bytes, request_id: str = "") -> bytes:
        """The same of an error, whosever dialect it is in, that came in a stream which `scanner` read."""

    # --- errors of ours

    @abstractmethod
    def error(
        self, status: int, code: str, message: str, param: str | None, type: str | None, request_id: str = ""
    ) -> bytes:
        """The body of an error: `param` is the field or header at fault, if it is one; `type` is None for that of the
        status; `request_id` is the request's, where it is known."""

    @abstractmethod
    def error_event(self, status: int, code: str, message: str, request_id: str = "") -> bytes:
        """What ends a stream that has failed."""

    def broken_stream(
        self, scanner: EventScanner | None, status: int, code: str, message: str, request_id: str = ""
    ) -> bytes:
        """The same of one that was read by `scanner`, for dialects whose last event tells of the ones before."""
        return self.error_event(status, code, message, request_id)

    # --- what backends keep

    def stored_id(self, body: bytes) -> str:
        """The id by which clients ask again for an answer that its backend keeps; empty for none. Of a stream it is the
        scanner's `stored_id`."""
        return ""

    def stored_parts(self, body: bytes) -> tuple[str, ...]:
        """Ids of parts of such an answer that requests may name by themselves. Of a stream they are the scanner's
        `stored_parts`."""
        return ()

    def grows(self, id: str) -> bool:
        """Whether what is kept under this id grows by requests that refer to it, as conversations do."""
        return True

    def not_kept(self, id: str) -> NotKept:
        """What a client is told that refers to what is not there or not its own, in its provider's words."""
        return NotKept(404, "not_found", f"There is nothing here with the id {shown_id(id)}.")

    def not_found(self, id: str) -> NotKept:
        """The same of what is asked for by its path."""
        return self.not_kept(id)

    # --- models

    @abstractmethod
    def models(self, names: Iterable[str]) -> bytes:
        """The listing of these models."""

    @abstractmethod
    def model(self, name: str) -> bytes:
        """One of them."""
