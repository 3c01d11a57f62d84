"""What endpoints have in common that take forms."""

from __future__ import annotations

from abc import abstractmethod
from typing import Final

from router.core.reading import BadBody, Reading, Span
from router.core.values import Route, Usage
from router.surfaces.edited import Edited, replaced
from router.surfaces.form import Form, is_form, read_form, told_by
from router.surfaces.json_object import count
from router.surfaces.openai.dialect import OpenAIDialect
from router.surfaces.openai.media.stream import MediaScanner
from router.surfaces.openai.read_request import NOWHERE
from router.surfaces.sse import EventScanner

BOUNDARY: Final = "breakeven-example"


class FormSurface(OpenAIDialect):
    """Bodies are forms. One that comes without a word on its type says itself where its parts begin."""

    def __init__(self, name: str, path: str) -> None:
        super().__init__(name, path, takes_forms=True)

    def read(self, body: bytes) -> Reading:
        return self.read_as(body, told_by(body))

    def read_as(self, body: bytes, content_type: str) -> Reading:
        if not is_form(content_type):
            raise BadBody("The request body has to be a form: multipart/form-data.", code="invalid_form")
        return self.read_form(read_form(body, content_type))

    @abstractmethod
    def read_form(self, form: Form) -> Reading:
        """What a form asks. Raises BadBody when that cannot be told."""

    def edit(self, body: bytes, reading: Reading, route: Route) -> Edited:
        changes: list[tuple[Span, bytes]] = []
        if reading.model_span != NOWHERE and route.upstream_model != reading.model:
            changes.append((reading.model_span, route.upstream_model.encode()))
        first = b""
        if reading.model_span == NOWHERE and route.upstream_model != reading.model:
            first += _part(body, "model", route.upstream_model)
        if reading.stream and route.counts_while_streaming and reading.wants_usage is not True:
            first += _part(body, "stream_include_usage", "true")
        if first:
            changes.append(((0, 0), first))
        return replaced(body, changes)

    def scanner(self, reading: Reading, route: Route) -> EventScanner:
        return MediaScanner(strip_usage=reading.wants_usage is not True, pictures=reading.answers)

    def usage_of(self, body: bytes) -> Usage | None:
        return self.read_answer(body)[1]


def model_in(form: Form, default: str = "") -> tuple[str, Span]:
    """The model, and where it stands. Raises BadBody where there is none."""
    part = form.field("model")
    if part is None and default:
        return default, NOWHERE
    name = form.text("model")
    if part is None or not name:
        raise BadBody("You must provide a model.", "model", "missing_required_parameter")
    return name, part.span


def flag_in(form: Form, name: str) -> bool | None:
    """Raises BadBody for what only some read as true."""
    text = form.text(name)
    if text is None or text == "":
        return None
    if text.lower() not in ("true", "false"):
        raise BadBody(f"Invalid value for '{name}': expected true or false.", name, "invalid_value")
    return text.lower() == "true"


def count_in(form: Form, name: str) -> int:
    """A number; -1 for what is none."""
    return count(form.text(name))


def text_bytes_in(form: Form) -> int:
    """Of all fields."""
    return sum(part.span[1] - part.span[0] for part in form.parts if part.filename is None)


def example_of(model: str, fields: dict[str, str], file: str) -> bytes:
    """The smallest form with a model, these fields, and a file of nothing."""
    parts = [_named(name, value) for name, value in {"model": model, **fields}.items()]
    if file:
        parts.append(f'Content-Disposition: form-data; name="{file}"; filename="{file}"\r\n\r\n\r\n')
    return "".join([*[f"--{BOUNDARY}\r\n{part}" for part in parts], f"--{BOUNDARY}--\r\n"]).encode()


def _part(body: bytes, name: str, value: str) -> bytes:
    """One more, for the beginning of a form: its first line is a boundary."""
    boundary = body[: body.index(b"\r\n") + 2]
    return boundary + _named(name, value).encode()


def _named(name: str, value: str) -> str:
    return f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
