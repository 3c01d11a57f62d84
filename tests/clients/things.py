"""What clients do, one entry each: how a script calls it, and what must come of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from clients.answers import ANSWER, SECRET

POPULATION = "2102650"


@dataclass(frozen=True)
class Thing:
    words: str
    """As the table calls it."""
    got: str
    """What the client must have got, as a part of it."""
    stream: bool = False
    real: bool = False
    """Whether a small model on a vLLM can do it: it knows no tools, and keeps nothing."""


THINGS: Mapping[str, Thing] = {
    "chat": Thing("chat", ANSWER, real=True),
    "chat_stream": Thing("chat", "Paris", stream=True, real=True),
    "chat_tool": Thing("chat with a tool", POPULATION),
    "chat_tool_stream": Thing("chat with a tool", POPULATION, stream=True),
    "responses": Thing("responses", ANSWER, real=True),
    "responses_stream": Thing("responses", ANSWER, stream=True, real=True),
    "responses_tool": Thing("responses with a tool", POPULATION),
    "responses_tool_stream": Thing("responses with a tool", POPULATION, stream=True),
    "responses_continued": Thing("a response continued", ANSWER),
    "responses_stored": Thing("a stored response fetched and deleted", ANSWER),
    "messages": Thing("messages", ANSWER, real=True),
    "messages_stream": Thing("messages", ANSWER, stream=True, real=True),
    "messages_tool": Thing("messages with a tool", POPULATION),
    "messages_tool_stream": Thing("messages with a tool", POPULATION, stream=True),
    "count_tokens": Thing("counted tokens", "", real=True),
    "embeddings": Thing("embeddings", "-0.5"),
    "moderations": Thing("moderations", "alse"),
    "transcription": Thing("transcription", ANSWER),
    "transcription_stream": Thing("transcription", ANSWER, stream=True),
    "speech": Thing("speech", "pretended sound, in parts"),
    "speech_stream": Thing("speech", "pretended sound, in parts", stream=True),
    "image": Thing("an image", "24"),
    "image_stream": Thing("an image", "image_generation.completed", stream=True),
    "image_edit": Thing("an image edited", "24"),
    "files": Thing("a file kept, fetched and deleted", "Paris is a city."),
    "models": Thing("models", "", real=True),
    "reads_a_file": Thing("reads a file by its own tool", SECRET, stream=True),
    "streams_what_it_does": Thing("the same, telling each step", SECRET, stream=True),
}
"""By the name that scripts have for it."""
