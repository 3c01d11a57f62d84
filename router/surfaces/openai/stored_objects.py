"""What OpenAI's API keeps for clients, known by ids that begin with what they are of."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from router.core.pins import NotKept, shown_id

_NAMES = {
    "resp_": "Response",
    "chatcmpl": "Chat completion",
    "conv_": "Conversation",
    "file": "File",
    "vs_": "Vector store",
    "cntr_": "Container",
    "batch_": "Batch",
    "upload_": "Upload",
    "ftjob": "Fine-tuning job",
    "eval_": "Eval",
    "video_": "Video",
    "skill_": "Skill",
    "audio_": "Audio",
    "voice_": "Voice",
}
_ITEMS = (
    *("msg_", "rs_", "fc_", "ctc_", "ws_", "fs_", "ci_", "ig_", "mcp", "cu_", "lsh_", "sh_", "apc_", "cmp_", "tsc_"),
)
"""Of items of responses, by their kinds."""
_FIXED = ("resp_", "chatcmpl", "file", "batch_", "ftjob", "video_", "audio_", "voice_", *_ITEMS)
"""What does not grow by requests that refer to it: a response that continues one is another one."""


LONGEST_ID = 512
"""Characters; what a longer one names cannot be asked for here."""


class _WithId(Struct, frozen=True, gc=False):
    id: str = ""


class _Event(Struct, gc=False):
    response: _WithId = _WithId()


class _Said(Struct, gc=False):
    audio: _WithId | None = None


class _Choice(Struct, gc=False):
    message: _Said | None = None
    delta: _Said | None = None


class _Choices(Struct, gc=False):
    choices: tuple[_Choice, ...] = ()


_decode_choices = msgspec.json.Decoder(_Choices).decode
_decode_event = msgspec.json.Decoder(_Event).decode
_decode = msgspec.json.Decoder(_WithId).decode


def id_in(body: bytes) -> str:
    """Of an object, or of an event of a stream; empty where there is none."""
    try:
        return known_id(_decode(body).id)
    except (ValueError, RecursionError):
        return ""


def known_id(id: str) -> str:
    """One that a backend gave; empty where it is none that could be kept."""
    return id if len(id) <= LONGEST_ID else ""


def id_of_response_in(event: bytes) -> str:
    """Of an event that has a response in it; empty where there is none."""
    try:
        return known_id(_decode_event(event).response.id)
    except (ValueError, RecursionError):
        return ""


def sounds_in(answer: bytes) -> tuple[str, ...]:
    """Of what a chat's answer, or an event of one, says in sound: the next turn names that by its id."""
    if b'"audio"' not in answer:
        return ()
    try:
        choices = _decode_choices(answer).choices
    except (ValueError, RecursionError):
        return ()
    said = [part.audio for choice in choices for part in (choice.message, choice.delta) if part is not None]
    return tuple([audio.id for audio in said if audio is not None and audio.id])


def grows(id: str) -> bool:
    return not id.startswith(_FIXED)


def not_kept(id: str) -> NotKept:
    """Of a request's body. (A response that is not there is a 400 there, which clients know by its code.)"""
    if id.startswith("resp_"):
        message = f"Previous response with id {shown_id(id)} not found."
        return NotKept(400, "previous_response_not_found", message, "previous_response_id")
    return not_found(id)


def not_found(id: str) -> NotKept:
    """Of a path."""
    name = next((name for begin, name in _NAMES.items() if id.startswith(begin)), "Object")
    name = "Item" if id.startswith(_ITEMS) else name
    return NotKept(404, "not_found", f"{name} with id {shown_id(id)} not found.")
