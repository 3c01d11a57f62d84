"""What a body says that makes or changes a kept object: its text, what cannot be read in it, and whom it names.

JSON, or a form with files. Of a form all bytes are looked at, whatever its parts are: where one parser sees a part's
end another may not. A file that is text is read; any other cannot be, though detectors find what is plain in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from router.core.reading import BadBody, Reading
from router.core.sensitivity.media import one_of_each
from router.surfaces.form import bare, boundary_of
from router.surfaces.form_labels import labels_of_body
from router.surfaces.json_object import check_utf8, labels_in, split_object
from router.surfaces.openai.content import MEDIA, Content, voice_in
from router.surfaces.openai.read_request import TEXT_ONLY
from router.surfaces.openai.stored_objects import known_id

_PREFIXES = (
    *("resp_", "chatcmpl-", "conv_", "file-", "file_", "vs_", "cntr_", "batch_", "upload_", "ftjob-", "eval_"),
    *("video_", "char_", "cons_", "skill_", "asst_", "thread_"),
)
"""How ids begin of what is kept by itself."""
_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_REFERS = re.compile(
    "(file|input_file|vector_store|container|assistant|thread|conversation|previous_response|response|skill|eval)_ids?"
    "|training_file|validation_file|conversation|container|consent"
)
"""Members whose text is an id, whatever that begins with."""
_FREE = frozenset({"metadata", "custom_id", "type"})
"""Members that nobody looks up: what is the client's own, and kinds."""
_OBJECTS = frozenset({"audio", "video"})
"""Members that are objects with an id."""
_REFERENCE = "item_reference"
_REQUESTS = b'"custom_id"'
"""Stands in each line of a file of requests that are worked off later."""
_PART = re.compile(rb"\r\n\r\n([A-Za-z0-9_.:-]{1,128})\r\n--")
_INNER = re.compile(r"[a-z]+[_-][A-Za-z0-9_-]{8,120}")
"""Ids that no other object has: numbers of versions and names may be anybody's."""
_CONTROLS = bytes([*range(9), *range(14, 32), 127])
_NO_TEXT = re.compile(b"[" + re.escape(_CONTROLS) + b"]")
_NOT_READ = (b"%pdf-", b"%!ps", b"{\\rtf", b"content-transfer-encoding", b"content-encoding")
"""What tells, in lower case, that a text has to be decoded before it can be read."""
_MOST_DEPTH = 64
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def read(body: bytes) -> Reading:
    """Raises BadBody."""
    return _read_form(body) if body.startswith(b"--") else _read_object(body)


def _read_object(body: bytes) -> Reading:
    check_utf8(body)
    members, _ = split_object(body)
    content = _Named()
    for name, value in members.items():
        try:
            content.look(name, _decode(value), 0)
        except (ValueError, RecursionError):
            raise BadBody(f"The field '{name[:64]}' cannot be read.", name[:64]) from None
    content.add_inline_data(body)
    labels = labels_in(members) if "metadata" in members else ()
    return _reading(content, labels)


def _read_form(body: bytes) -> Reading:
    content = _Named()
    if not _is_text(body):
        content.unreadable["file"] = None
    elif _REQUESTS in body:
        for line in body.splitlines():
            content.look_into(line)
    for found in _PART.finditer(body):
        if found[1].startswith(tuple(each.encode() for each in _PREFIXES)):
            content.files[found[1].decode()] = None
    content.add_inline_data(body)
    said = body.translate(None, _CONTROLS).decode(errors="replace")
    return _reading(content, labels_of_body(body), _encode([said, bare(boundary_of(body))]))


def _is_text(body: bytes) -> bool:
    if _NO_TEXT.search(body):
        return False
    lowered = body.lower()
    if any(sign in lowered for sign in _NOT_READ):
        return False
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


class _Named(Content):
    """Looks through decoded values; `files` are the ids of all that they name, `sealed` what its provider alone can
    open."""

    def __init__(self) -> None:
        super().__init__()
        self.sealed: dict[str, None] = {}

    def look_into(self, line: bytes) -> None:
        """A line of a file, which is an object or part of something else."""
        start = line.find(b"{")
        if start >= 0:
            try:
                self.look("", _decode(line[start:]), 0)
            except (ValueError, RecursionError):
                self.unreadable["file"] = None

    def look(self, name: str, value: Any, depth: int) -> None:
        if name in _FREE:
            return
        if depth > _MOST_DEPTH:
            raise RecursionError
        if name in _OBJECTS:
            self.mention_in(value)
        if name == "voice" and (voice := voice_in(name, value)):
            self.files[voice] = None
        if isinstance(value, dict):
            self._look_at(value)
            for inner, each in value.items():
                self.look(inner, each, depth + 1)
        elif isinstance(value, list):
            for each in value:
                self.look(name, each, depth + 1)
        elif isinstance(value, str) and _is_reference(name, value):
            self.files[value] = None

    def _look_at(self, value: dict[str, Any]) -> None:
        kind = value.get("type")
        kind = kind if isinstance(kind, str) else ""
        for medium in sorted({MEDIA[each] for each in (kind, *value) if each in MEDIA}):
            self.add_media(medium, 0)
            self.add_addresses(value)
        if value.get("encrypted_content") is not None:
            self.sealed["encrypted content"] = None
        if kind == _REFERENCE and isinstance(value.get("id"), str):
            self.files[value["id"]] = None


def _is_reference(name: str, value: str) -> bool:
    return _ID.fullmatch(value) is not None and bool(_REFERS.fullmatch(name) or value.startswith(_PREFIXES))


def _reading(content: _Named, labels: Any, texts: bytes = b"") -> Reading:
    return Reading(
        model="",
        stream=False,
        wants_usage=None,
        max_output_tokens=0,
        input_tokens=0,
        modalities=TEXT_ONLY,
        unreadable=tuple(content.unreadable),
        sealed=tuple(content.sealed),
        labels=labels,
        model_span=(0, 0),
        options_span=None,
        input_bound=0,
        answers=1,
        addresses=one_of_each(content.addresses),
        refers_to=tuple(content.files),
        mentions=tuple(content.mentions),
        texts=texts,
    )


def named_in(answer: bytes) -> Iterator[str]:
    """Ids of other objects that the outline of an answer says were made: what a batch, an upload or a training put
    out."""
    try:
        made = _decode(answer)
    except (ValueError, RecursionError):
        return
    if not isinstance(made, dict):
        return
    inner = made.get("file")
    results = made.get("result_files")
    for id in (
        made.get("output_file_id"),
        made.get("error_file_id"),
        inner.get("id") if isinstance(inner, dict) else None,
        *(results if isinstance(results, list) else ()),
    ):
        if isinstance(id, str) and known_id(id):
            yield id


def within(answer: bytes) -> list[str]:
    """Ids of what the outline of an answer says was made within an object: its own, or of all that it lists."""
    try:
        made = _decode(answer)
    except (ValueError, RecursionError):
        return []
    listed = made.get("data") if isinstance(made, dict) else None
    each = [made, *(listed if isinstance(listed, list) else ())]
    ids = [one.get("id") for one in each if isinstance(one, dict)]
    return [id for id in ids if isinstance(id, str) and _INNER.fullmatch(id)]
