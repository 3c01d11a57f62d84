"""What a request asks, once its body was read; how it is read is the business of its surface.

Whatever follows looks at each entry of a reading, for each policy that comes into force meanwhile, and before anybody
has looked at the limits of its key. So nothing in a reading is as long as a client likes: what a body says twice stands
there once, and a body that says too much is refused where it is read, as no `Reading` can be made of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from router.core.policy_fields import Modality
from router.core.units import NO_UNITS, Units
from router.core.values import Label

Span = tuple[int, int]
MOST_LABELS = 64
"""Levels and tags together that a body gives, or the headers."""
MOST_OBJECTS = 500
"""Ids that a body names."""
MOST_PLACES = 256
"""Hosts from which something would be fetched for it."""
MOST_KINDS = 64
"""Of anything else. Surfaces have names of their own for these, or put what is beyond under one name."""
MOST_CHARACTERS = 256 * 1024
"""Of the name of a model, of all labels, of all ids, of all addresses."""


class Reading(Struct, frozen=True, gc=False):
    """What one body says. Spans are offsets (from, to) in its bytes."""

    model: str
    stream: bool
    wants_usage: bool | None
    """Whether the client wants a stream to tell the usage; None when it does not say."""
    max_output_tokens: int | None
    """The most of all answers together; None when the body sets no limit, 0 for what writes nothing."""
    input_tokens: int
    """Upper estimate: a third of the text's UTF-8 bytes, token ids exactly, 1500 for an image."""
    modalities: frozenset[Modality]
    unreadable: tuple[str, ...]
    """What detectors cannot read, such as "image" or "token ids"."""
    labels: tuple[Label, ...]
    """From the body's metadata."""
    model_span: Span
    options_span: Span | None
    """Of what it says about its stream, for the surface; None when it says nothing."""
    input_bound: int
    """No tokenizer over bytes makes more of the text: the body's own bytes, and what templates put around them. Media
    count as the most that one can be, which most of them stay far below, but nobody can promise."""
    answers: int
    """Answers asked for, to all prompts together."""
    wants_running_usage: bool = False
    """The client wants the usage so far on every event of the stream."""
    addresses: tuple[str, ...] = ()
    """What a backend would fetch: all that stands where a URL is expected, but for `data:` URLs."""
    service: str = ""
    """The service tier that it asks for, such as "flex"; empty when it names none."""
    refers_to: tuple[str, ...] = ()
    """Ids of what it continues or names, and somebody keeps: a response, a conversation, a file."""
    mentions: tuple[str, ...] = ()
    """Ids of what it names and may be known to nobody here, such as what a backend made by itself; another team's all
    the same is another team's."""
    contexts: int = 0
    """Whole contexts that it may take as input, where `input_bound` cannot tell: one for what is kept elsewhere, and
    one more for each call of a tool that runs at the provider."""
    background: bool = False
    """It goes on at the backend, whatever becomes of the connection: what it takes is not known at its answer's end."""
    sealed: tuple[str, ...] = ()
    """What a provider closed itself, and nobody else can open, such as "encrypted reasoning"; see `Sensitivity`."""
    uses: tuple[str, ...] = ()
    """What not every backend keeps, see `features`."""
    stores: bool = False
    """The backend keeps its answer, which clients then know by its id."""
    content_type: str = ""
    """What its body says it is; empty for the JSON that most are, with an answer as most have."""
    texts: bytes = b""
    """All that such a body says in text, as JSON: what detectors look at in its place."""
    binary: bool = False
    """It is answered with bytes, neither JSON nor events, which pass as they come; or with JSON all the same."""
    units: Units = NO_UNITS
    """What is no text, and what is no token, at most."""
    likely: Units = NO_UNITS
    """The same as it likely is, for an answer that does not tell."""
    may_come_whole: bool = False
    """What was asked for as a stream may be answered in one piece."""

    def __post_init__(self) -> None:
        """Raises BadBody."""
        names = self.labels or self.addresses or self.refers_to or self.mentions
        if names or self.unreadable or self.sealed or self.uses:
            # They are not cut: each may be the one that keeps a request at home.
            labels = [name for label in self.labels for name in (label.level, *label.tags) if name is not None]
            _check(labels, MOST_LABELS, "different labels", "too_many_labels", "metadata")
            _check(self.addresses, MOST_PLACES, "hosts to fetch from", "too_many_addresses")
            _check([*self.refers_to, *self.mentions], MOST_OBJECTS, "objects", "too_many_objects")
            for kinds in (self.unreadable, self.sealed, self.uses):
                _check(kinds, MOST_KINDS, "kinds of content", "too_many_kinds")
        if len(self.model) > MOST_CHARACTERS:
            raise BadBody(f"The name of a model has no more than {MOST_CHARACTERS:,} characters.", "model")


class BadBody(Exception):
    """A request that cannot be decided on: a 400 in the shape of the client's surface.

    `param` is the field or header at fault, if it is one; `code` is what programs know it by.
    """

    def __init__(self, message: str, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code


def _check(names: Sequence[str], most: int, told: str, code: str, param: str | None = None) -> None:
    if len(names) > most:
        raise BadBody(f"The request names more than {most} {told}.", param, code)
    if sum(map(len, names)) > MOST_CHARACTERS:
        raise BadBody(f"The request names {told} in more than {MOST_CHARACTERS:,} characters.", param, code)


def each_once(labels: Iterable[Label]) -> tuple[Label, ...]:
    """Labels without those that say again what another said."""
    return tuple(dict.fromkeys([Label(each.level, tuple(dict.fromkeys(each.tags)), each.source) for each in labels]))


def split_names(text: str) -> tuple[str, ...]:
    """Names separated by commas, trimmed; empty ones are left out."""
    return tuple([name for part in text.split(",") if (name := part.strip())])
