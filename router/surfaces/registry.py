"""All surfaces there are: a new one is one line here. Paths, names in policies, commands and documentation follow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from router.surfaces.anthropic.count_tokens import CountTokens
from router.surfaces.anthropic.dialect import VERSION
from router.surfaces.anthropic.messages import Messages
from router.surfaces.base import Surface
from router.surfaces.openai import websockets, withheld
from router.surfaces.openai.chat import Chat
from router.surfaces.openai.completions import Completions
from router.surfaces.openai.embeddings import Embeddings
from router.surfaces.openai.kept.objects import KEPT as OPENAI_KEPT
from router.surfaces.openai.media.image_edits import ImageEdits
from router.surfaces.openai.media.image_variations import ImageVariations
from router.surfaces.openai.media.images import Images
from router.surfaces.openai.media.speech import Speech
from router.surfaces.openai.media.transcriptions import Transcriptions
from router.surfaces.openai.media.translations import Translations
from router.surfaces.openai.moderations import Moderations
from router.surfaces.openai.responses.compact import Compact
from router.surfaces.openai.responses.input_tokens import InputTokens
from router.surfaces.openai.responses.surface import Responses
from router.surfaces.resources import KeptObjects
from router.surfaces.vllm.classify import Classify
from router.surfaces.vllm.detokenize import Detokenize
from router.surfaces.vllm.pooling import Pooling
from router.surfaces.vllm.rerank import Rerank
from router.surfaces.vllm.score import Score
from router.surfaces.vllm.tokenize import Tokenize

SURFACES: Mapping[str, Surface] = {
    each.name: each
    for each in (
        *(Chat(), Completions(), Embeddings(), Moderations()),
        *(Responses(), Compact(), InputTokens()),
        *(Messages(), CountTokens()),
        *(Transcriptions(), Translations(), Speech()),
        *(Images(), ImageEdits(), ImageVariations()),
        *(Rerank(), Score(), Pooling(), Classify(), Tokenize(), Detokenize()),
    )
}
"""By the name that policies, cases and commands have for it."""

Endpoint = Literal[
    "chat",
    "completions",
    "embeddings",
    "moderations",
    "responses",
    "responses_compact",
    "responses_input_tokens",
    "messages",
    "count_tokens",
    "transcriptions",
    "translations",
    "speech",
    "images",
    "image_edits",
    "image_variations",
    "rerank",
    "score",
    "pooling",
    "classify",
    "tokenize",
    "detokenize",
]
"""These names as a type, for what is decoded."""

BY_PATH: Mapping[str, Surface] = {path: each for each in SURFACES.values() for path in each.paths}
"""By the paths of the gateway that are posted to."""

BY_FIELD: Mapping[str, Surface] = {field: each for each in SURFACES.values() for field in each.asked_in}
"""By the fields that tell their bodies apart; where a body has several, the first of them counts."""

KEPT: KeptObjects = OPENAI_KEPT
"""Objects that backends keep for clients, with paths of their own."""

READERS: Mapping[str, Surface] = {**SURFACES, KEPT.surface.name: KEPT.surface}
"""All that reads bodies, by name."""

FALLBACK = SURFACES["chat"]
"""Answers what is no request to any: the models, and errors on unknown paths."""


def spoken_by(headers: Mapping[str, str]) -> Surface:
    """`FALLBACK`, or what stands for it in the dialect whose headers a client sends; names are in lower case."""
    return SURFACES["messages"] if VERSION in headers else FALLBACK


INSTEAD: Mapping[str, str] = websockets.INSTEAD
"""What to use in the place of a WebSocket, by the path that it is asked for at."""
WITHHELD: Mapping[str, str] = withheld.WITHHELD
"""Why what a provider has is not passed on, by where its paths begin."""
