"""All samples: a new surface is one line here."""

from __future__ import annotations

from collections.abc import Mapping

from support.samples.anthropic import COUNT_TOKENS, MESSAGES
from support.samples.media import IMAGE_EDITS, IMAGE_VARIATIONS, IMAGES, SPEECH, TRANSCRIPTIONS, TRANSLATIONS
from support.samples.openai import CHAT, COMPLETIONS, EMBEDDINGS, MODERATIONS
from support.samples.responses import COMPACT, INPUT_TOKENS, RESPONSES
from support.samples.sample import Sample
from support.samples.small import CLASSIFY, DETOKENIZE, POOLING, RERANK, SCORE, TOKENIZE

SAMPLES: Mapping[str, Sample] = {
    each.surface: each
    for each in (
        *(CHAT, COMPLETIONS, EMBEDDINGS, MODERATIONS),
        *(RESPONSES, COMPACT, INPUT_TOKENS),
        *(MESSAGES, COUNT_TOKENS),
        *(TRANSCRIPTIONS, TRANSLATIONS, SPEECH),
        *(IMAGES, IMAGE_EDITS, IMAGE_VARIATIONS),
        *(RERANK, SCORE, POOLING, CLASSIFY, TOKENIZE, DETOKENIZE),
    )
}
"""By the surface's name."""
