"""A policy as YAML, with comments."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import msgspec
from msgspec import Struct

from router.config.litellm_config.backends import Entry, MadeBackend
from router.config.litellm_config.deployments import Pairs
from router.config.litellm_config.limits import Limits
from router.config.litellm_config.models import MadeModel
from router.config.litellm_config.notes import Note
from router.config.litellm_config.providers import OUTSIDE, OWN
from router.config.problems import field_name

_WIDTH = 118
_PLAIN = re.compile(r"[A-Za-z][\w./-]*(:[\w./-]+)*")
_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})
"""What YAML takes for something else than text."""
TO_DO = "TO DO: "
_RENT = "say what an hour of it costs, as `cost: {usd_per_hour: 1.59}`: then it is told whether it is worth that"


_ADAPTER = (
    "Apps that speak OpenAI's dialect reach backends of the kinds litellm and anthropic through the adapter:"
    " pip install 'breakeven[litellm]', or scripts/environment.sh adapter."
)


class MadePolicy(Struct, frozen=True):
    """Everything that the text says."""

    source: str
    """The name of the config's file."""
    backends: Sequence[MadeBackend]
    models: Sequence[MadeModel]
    secrets: Mapping[str, Sequence[str]]
    limits: Limits
    retry: Pairs
    health: Pairs
    strategy: str
    notes: Mapping[str, Sequence[Note]]
    """By section; "" for what belongs to none."""

    def every_note(self) -> tuple[Note, ...]:
        """Each once, as they are shown."""
        groups = [
            *(each.notes for each in self.backends),
            *(each.notes for each in self.models),
            self.limits.notes,
            *self.notes.values(),
        ]
        return tuple(note for group in groups for note in _once(group))


def text_of(policy: MadePolicy, line: Callable[[Note], int], problems: Sequence[str] = ()) -> str:
    """`line` tells where in the config a note's place stands; `problems` is what `check` says of the text."""
    return "\n".join([*_head(policy, problems), *_body(policy, _Writer(policy.source, line))]) + "\n"


def scalar(text: str) -> str:
    """A text as YAML that is read back as that text."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return msgspec.json.encode(text).decode()


def _head(policy: MadePolicy, problems: Sequence[str]) -> Iterator[str]:
    todo = sum(note.todo for note in policy.every_note())
    yield from _wrapped(
        f"Made by `breakeven import litellm` from {policy.source}. Each comment names the line there.", 0
    )
    if todo:
        often = "once" if todo == 1 else f"{todo} times"
        yield from _wrapped(f"Before it serves anybody: look for {TO_DO.strip(': ')}, which stands below {often}.", 0)
    elif not problems:
        yield from _wrapped("Nothing is left to do.", 0)
    if problems:
        yield from _wrapped("`breakeven check` does not pass it yet:", 0)
        for problem in problems:
            yield from _wrapped(f"- {problem}", 0)
    if not {"litellm", "anthropic"}.isdisjoint(each.kind for each in policy.backends):
        yield from _wrapped(_ADAPTER, 0)
    if len({each.zone for each in policy.backends}) > 1:
        yield from _wrapped(
            "What may leave is not settled: as before, every request may go to every backend. Say under `sensitivity:`"
            " what has to stay at home; docs/policy.md shows how.",
            0,
        )


def _body(policy: MadePolicy, write: _Writer) -> Iterator[str]:
    yield from ("version: 1", "zones:")
    zones = {each.zone for each in policy.backends}
    yield from (f"  {zone}: {said}" for zone, said in {OWN: "{owned: true}", OUTSIDE: "{}"}.items() if zone in zones)
    yield "backends:"
    for backend in policy.backends:
        yield from write.backend(backend)
    yield "models:"
    for model in policy.models:
        yield from write.model(model)
    if policy.secrets:
        yield from _wrapped("Each key goes to these hosts alone, as before.", 0)
        yield "secrets:"
        for name, hosts in policy.secrets.items():
            yield f"  {scalar(name)}: [{', '.join(map(scalar, hosts))}]"
    notes = policy.notes
    yield from write.section("cost", (("strategy", policy.strategy),) if policy.strategy else (), notes.get("cost", ()))
    yield from write.section("retry", policy.retry, notes.get("retry", ()))
    yield from write.section("health", policy.health, notes.get("health", ()))
    yield from write.budget(policy.limits, notes.get("budget", ()))
    for rest in ("keys", "ledger", ""):
        yield from write.notes(notes.get(rest, ()), 0)


class _Writer:
    def __init__(self, source: str, line: Callable[[Note], int]) -> None:
        self._source, self._line = source, line

    def notes(self, found: Iterable[Note], indent: int) -> Iterator[str]:
        for note in _once(found):
            place = f"{self._source}:{self._line(note)}: {field_name(note.path)}"
            yield from _wrapped(f"{TO_DO if note.todo else ''}{place}: {note.text}", indent)

    def backend(self, backend: MadeBackend) -> Iterator[str]:
        yield from self.notes(backend.notes, 2)
        yield f"  {scalar(backend.name)}:"
        yield from (f"    zone: {backend.zone}", f"    kind: {backend.kind}")
        if len(backend.urls) == 1:
            yield f"    url: {scalar(backend.urls[0])}"
        elif backend.urls:
            yield f"    urls: [{', '.join(map(_quoted, backend.urls))}]"
        for name, value in (("api_base", backend.api_base), ("api_key", backend.api_key)):
            if value:
                yield f"    {name}: {scalar(value)}"
        if backend.kind == "vllm" and backend.zone != OUTSIDE:
            yield from _wrapped(_RENT, 4)
        yield from (f"    {name}: {value}" for name, value in backend.settings)
        yield "    serves:"
        yield from (f"      {scalar(name)}: {_entry(entry)}" for name, entry in backend.serves.items())

    def model(self, model: MadeModel) -> Iterator[str]:
        yield from self.notes(model.notes, 2)
        aliases = f", aliases: [{', '.join(map(_quoted, model.aliases))}]" if model.aliases else ""
        yield f"  {scalar(model.name)}: {{backends: [{', '.join(map(scalar, model.backends))}]{aliases}}}"

    def section(self, name: str, pairs: Pairs, notes: Iterable[Note]) -> Iterator[str]:
        yield from self.notes(notes, 0)
        if pairs:
            yield f"{name}: {_flow(pairs)}"

    def budget(self, limits: Limits, notes: Iterable[Note]) -> Iterator[str]:
        yield from self.notes((*limits.notes, *notes), 0)
        if not (limits.whole or limits.by_model):
            return
        yield "budget:"
        yield from (f"  {name}: {value}" for name, value in limits.whole)
        if limits.by_model:
            yield "  models:"
            yield from (f"    {scalar(name)}: {_flow(pairs)}" for name, pairs in limits.by_model.items())


def _entry(entry: Entry) -> str:
    upstream, pairs = entry
    return _flow((("model", _quoted(upstream)), *pairs)) if pairs else scalar(upstream)


def _flow(pairs: Pairs) -> str:
    return f"{{{', '.join(f'{name}: {value}' for name, value in pairs)}}}"


def _quoted(text: str) -> str:
    """Within brackets, where an address or a name with a colon needs quotes to be read by people, too."""
    return msgspec.json.encode(text).decode() if ":" in text else scalar(text)


def _wrapped(text: str, indent: int) -> list[str]:
    plain = re.sub(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]", " ", text)
    start = f"{' ' * indent}# "
    return textwrap.wrap(
        plain,
        _WIDTH,
        initial_indent=start,
        subsequent_indent=f"{start}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _once(notes: Iterable[Note]) -> list[Note]:
    """What is said of several deployments alike is said at the first of them."""
    first: dict[tuple[object, str], Note] = {}
    for note in notes:
        first.setdefault((note.path[-1], note.text), note)
    return list(first.values())
