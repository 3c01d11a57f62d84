"""Which members of a body say something, at each endpoint."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

_MATTERING = (
    *("model", "stream", "max_completion_tokens", "max_tokens", "n", "best_of", "messages", "prompt", "input"),
    *("suffix", "tools", "functions", "response_format", "modalities", "prompt_embeds", "stream_options", "metadata"),
    *("kv_transfer_params", "ec_transfer_params", "service_tier", "store", "audio", "voice"),
)
QUOTED: Final[Mapping[str, bytes]] = {name: b'"%b"' % name.encode() for name in _MATTERING}


class Shape:
    """What every endpoint may have, and what one has besides:

    prompts        text, token ids or a part, one or several
    queries,       texts or objects that are scored against each other: a single query is read again with each of the
    documents      documents
    opaque         what is for a plugin of the backend's, whatever that makes of it
    """

    def __init__(
        self,
        *,
        prompts: Iterable[str] = (),
        queries: Iterable[str] = (),
        documents: Iterable[str] = (),
        opaque: Iterable[str] = (),
    ) -> None:
        self.prompts: Final = frozenset(("prompt", "input", *prompts))
        self.queries: Final = frozenset(queries)
        self.documents: Final = frozenset(documents)
        self.opaque: Final = frozenset(opaque)
        added = {name: b'"%b"' % name.encode() for name in (*prompts, *queries, *documents, *opaque)}
        self.quoted: Final[Mapping[str, bytes]] = {**QUOTED, **added}
        """The names of all of it, as bodies have them."""


COMMON: Final = Shape()
