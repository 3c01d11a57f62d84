"""How large a body's content is, and what of it is not text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from router.core.policy_fields import Modality
from router.core.sensitivity.embedded import has_embedded_file
from router.surfaces.json_object import text_bytes

_ADDRESS = re.compile(r"\s*[a-z][a-z0-9+.-]*:/", re.IGNORECASE)
_DATA = re.compile(r"data:", re.IGNORECASE)
_NAMES = frozenset({"type", "text", "filename", "name", "title", "detail", "format"})
"""Members of a part that nobody fetches."""
VOICES = frozenset({"audio", "voice"})
"""Members of a body that name the voice of its answer."""
_TYPE_NAME = re.compile(r"[a-z_]{1,32}")
_MOST_KINDS = 16
"""That are called by the types that a client names."""
_TEXT_PARTS = frozenset(
    ("text", "input_text", "output_text", "refusal", "reasoning", "reasoning_text", "thinking", "summary_text")
)
MEDIA: Mapping[Any, Modality] = {
    "image": "image",
    "image_url": "image",
    "input_image": "image",
    "image_file": "image",
    "image_pil": "image",
    "computer_screenshot": "image",
    "image_embeds": "image",
    "audio": "audio",
    "audio_url": "audio",
    "input_audio": "audio",
    "output_audio": "audio",
    "audio_embeds": "audio",
    "file": "file",
    "file_url": "file",
    "file_data": "file",
    "input_file": "file",
    "document": "file",
    "video": "video",
    "video_url": "video",
    "input_video": "video",
}
_MADE_VOICE = "voice_"
"""How ids of voices begin that somebody made; no name of a built-in voice does."""
_NOTHING = {type(None)}
_NUMBERS = {int, float, bool} | _NOTHING
MESSAGE_TOKENS = 4
PAIR_TOKENS = 4
PAIR_BOUND = 256
"""What is put around a query and a document: marks, or a template with instructions."""
MEDIA_TOKENS = 1500
BYTES_PER_MEDIA_TOKEN = 100


class Content:
    """Collects size, modalities and unreadable kinds on the way through one body's decoded fields."""

    __slots__ = (
        "addresses",
        "files",
        "image_bytes",
        "media",
        "mentions",
        "modalities",
        "prompts",
        "repeated",
        "text_bytes",
        "tokens",
        "unreadable",
    )

    def __init__(self) -> None:
        self.text_bytes = 0
        """UTF-8 bytes of all text."""
        self.tokens = 0
        """What is not counted by its text: token ids, media, the frame of each message."""
        self.media = 0
        """Images, recordings, files and the like."""
        self.image_bytes = 0
        """Of the images that stand in the body itself; they are no text to anybody."""
        self.repeated = 0
        """Tokens at most of what is read more often than it stands in the body, and of what stands around it each
        time."""
        self.prompts = 1
        """Prompts that are answered separately."""
        self.modalities: set[Modality] = {"text"}
        self.addresses: list[str] = []
        """What a backend would have to fetch."""
        self.files: dict[str, None] = {}
        """Ids of files that somebody keeps; used as a set that keeps its order."""
        self.mentions: dict[str, None] = {}
        """Ids of what a backend may have made by itself; used as a set that keeps its order."""
        self.unreadable: dict[str, None] = {}
        """Used as a set that keeps its order."""

    def add_messages(self, messages: Any) -> None:
        for message in messages if isinstance(messages, list) else [messages]:
            if isinstance(message, dict):
                self.tokens += MESSAGE_TOKENS
                self._add_message(message)
            else:
                self.add_value(message)

    def add_prompts(self, prompts: Any) -> None:
        """One prompt, or several; each may be given as token ids or, for embeddings, as a part."""
        if not isinstance(prompts, list) or _is_token_ids(prompts):
            self._add_prompt(prompts)
        else:
            self.prompts = max(self.prompts, len(prompts))
            for prompt in prompts:
                self._add_prompt(prompt)

    def add_pairs(self, queries: Iterable[Any], documents: Iterable[Any]) -> None:
        """What is scored against each other: a single query is read once more with each further document."""
        asked, offered = _listed(queries), _listed(documents)
        before = self.text_bytes, self.tokens, self.media
        for query in asked:
            self._add_document(query)
        further = max(0, len(offered) - 1) if len(asked) == 1 else 0
        text = (self.text_bytes - before[0]) * further
        self.text_bytes += text
        self.tokens += (self.tokens - before[1]) * further + PAIR_TOKENS * len(offered)
        self.media += (self.media - before[2]) * further
        self.repeated += text + PAIR_BOUND * len(offered)
        for document in offered:
            self._add_document(document)

    def add_opaque(self, name: str, value: Any) -> None:
        self.unreadable[name] = None
        self.add_value(value)
        self.add_addresses({name: value})

    def add_output(self, modalities: Any) -> None:
        """Kinds of output asked for: a backend that cannot speak cannot answer with audio either."""
        if isinstance(modalities, list) and "audio" in modalities:
            self.modalities.add("audio")

    def add_value(self, value: Any) -> None:
        """Any text inside a decoded value."""
        if value is not None:
            self.text_bytes += text_bytes(value)

    def add_inline_data(self, body: bytes) -> None:
        """Files between the lines; a data URL in a part that was already called unreadable adds nothing."""
        if not self.unreadable and has_embedded_file(body):
            self.unreadable["base64 data"] = None

    def _add_message(self, message: dict[str, Any]) -> None:
        for name, value in message.items():
            if type(value) is str:
                self.text_bytes += len(value) if value.isascii() else len(value.encode())
            elif name == "content":
                self.add_parts(value)
            elif name == "audio" and value is not None:
                self.add_media("audio", 0)
                self.mention_in(value)
            else:
                self.add_value(value)

    def mention_in(self, named: Any) -> None:
        """The id of an object, where it is one."""
        if isinstance(named, dict):
            self.mention(named.get("id"))

    def mention(self, id: Any) -> None:
        if isinstance(id, str) and id:
            self.mentions[id] = None

    def add_parts(self, parts: Any) -> None:
        """A text, a part, or several of them."""
        for part in parts if isinstance(parts, list) else [parts]:
            if isinstance(part, dict):
                self.add_part(part)
            else:
                self.add_value(part)

    def _add_document(self, document: Any) -> None:
        """A text; or an object: a part, what has parts as a message has, or members that are all text."""
        if not isinstance(document, dict):
            self._add_prompt(document)
        elif "type" in document or not MEDIA.keys().isdisjoint(document):
            self.add_part(document)
        elif isinstance(document.get("content"), list):
            self._add_message(document)
        else:
            self.add_value(document)

    def add_part(self, part: dict[str, Any]) -> None:
        """A part is text only if its type says so and nothing in it is named like media, whatever its type."""
        kind = part.get("type")
        kind = kind if isinstance(kind, str) else ""
        media = {MEDIA[name] for name in (kind, *part) if name in MEDIA}
        if media or kind not in _TEXT_PARTS:
            self.add_addresses(part)
        if media:
            size = 0 if media == {"image"} else text_bytes(part)
            self.image_bytes += _image_bytes(part) if media == {"image"} else 0
            for medium in sorted(media):
                self.add_media(medium, size)
        else:
            self.add_value(part)
            self._add_text_part(kind)

    def add_addresses(self, part: dict[str, Any]) -> None:
        """All that stands where a URL is expected, and all that looks like one elsewhere."""
        stack: list[tuple[str, Any]] = list(part.items())
        while stack:
            name, value = stack.pop()
            if isinstance(value, dict):
                stack.extend(value.items())
            elif isinstance(value, list):
                stack.extend((name, item) for item in value)
            elif isinstance(value, str) and value:
                if name == "file_id":
                    self.files[value] = None
                if name not in _NAMES and _is_address(name, value):
                    self.addresses.append(value)

    def _add_text_part(self, kind: str) -> None:
        if kind not in _TEXT_PARTS:
            note_kind(self.unreadable, "part", kind)

    def add_media(self, medium: Modality, size: int) -> None:
        """`size` in bytes, where it tells something about the tokens."""
        self.modalities.add(medium)
        self.unreadable[medium] = None
        self.media += 1
        self.tokens += MEDIA_TOKENS + size // BYTES_PER_MEDIA_TOKEN

    def _add_prompt(self, prompt: Any) -> None:
        if isinstance(prompt, dict):
            self.add_part(prompt)
        elif _is_token_ids(prompt):
            self.tokens += len(prompt)
            self.unreadable["token ids"] = None
        else:
            self.add_value(prompt)


def note_kind(unreadable: dict[str, None], what: str, kind: str) -> None:
    """A part, an item or a block of a type that is not known here."""
    named = f"{what} of type {kind}"
    if named not in unreadable:
        told = len(unreadable) < _MOST_KINDS and _TYPE_NAME.fullmatch(kind)
        unreadable[named if told else f"{what} of unknown type"] = None


def voice_in(name: str, value: Any) -> str:
    """The id of the voice that a member `audio` or `voice` names, as an object or bare; empty for one that is built
    in."""
    voice = value.get("voice") if name == "audio" and isinstance(value, dict) else value
    if isinstance(voice, dict):
        id = voice.get("id")
        return id if isinstance(id, str) else ""
    return voice if isinstance(voice, str) and voice.startswith(_MADE_VOICE) else ""


def _listed(values: Iterable[Any]) -> list[Any]:
    """One after the other, whether they stand in a list or alone."""
    return [each for value in values for each in (value if _is_several(value) else [value])]


def _is_several(value: Any) -> bool:
    return isinstance(value, list) and not _is_token_ids(value)


def _is_address(name: str, value: str) -> bool:
    if _DATA.match(value):
        return False
    return name.lower().endswith(("url", "urls", "uri", "uris")) or _ADDRESS.match(value) is not None


def _is_token_ids(value: Any) -> bool:
    """Lenient backends read 1.0 and true as 1, so any list with a number and nothing that says something is ids."""
    if not isinstance(value, list):
        return False
    kinds = set(map(type, value))
    return kinds <= _NUMBERS and not kinds <= _NOTHING


def _image_bytes(part: dict[str, Any]) -> int:
    """Size of the data URLs in it, at most as many bytes as the body spends on them."""
    urls = [value.get("url") if isinstance(value, dict) else value for name, value in part.items() if name in MEDIA]
    return sum(len(url) for url in urls if isinstance(url, str) and url.startswith("data:"))
