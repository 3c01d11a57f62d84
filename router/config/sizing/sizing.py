"""A model on cards: everything that `breakeven size` says of it, as values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from msgspec import Struct

from router.config.sizing.api_price import ApiPrice
from router.config.sizing.catalogue import Catalogue, Checkpoint, Measured, ModelEntry, unknown
from router.config.sizing.model_config import ModelConfig, read_model_config
from router.core.cost.breakeven import Shares, blended
from router.core.cost.preference import BreakEven
from router.core.policy import Mix
from router.core.sizing.cards import GIB, Card
from router.core.sizing.fit import Fit, Setup, fewest_cards
from router.core.sizing.overhead import Overhead, overhead_of
from router.core.sizing.quantization import BF16, QUANTIZATIONS, Quantization, QuantizationName
from router.core.sizing.speed import Speed, speed
from router.core.sizing.worth import Cost, cost

USUAL_CARDS = ("L4", "RTX-4090", "L40S", "A100-80", "H100", "H200")
"""That are looked at when none is named."""
USUAL_QUANTIZATIONS: tuple[QuantizationName, ...] = ("bf16", "fp8", "awq")
"""GPTQ's weights are as large as AWQ's."""
USUAL_CONTEXT = 4096
"""Tokens of a conversation, unless said otherwise; less where the model was made for less."""


class ContextUnknownError(ValueError):
    """Neither the model nor who asks says how long a conversation is."""


class Wanted(Struct, frozen=True):
    quantization: QuantizationName | None = None
    """None for all that are usual, or as the weights of a `config.json` are."""
    context: int | None = None
    concurrency: int = 1
    rent: float | None = None
    """USD per hour and card; as seen when left out."""
    volume: float | None = None
    """Tokens a day."""
    against: ApiPrice | None = None
    version: str | None = None
    """Of vLLM; the newest that is known when left out."""
    mix: Mix = Mix()


class Subject(Struct, frozen=True):
    """What is sized: something of the catalogue, or a `config.json`."""

    name: str
    launched_as: str
    """Repository or folder, as `launch.model` takes it."""
    config: ModelConfig
    entry: ModelEntry | None = None


class Prices(Struct, frozen=True):
    """At the lowest and the highest rent that was seen, or at the one that was given."""

    low: Cost
    high: Cost
    seen: str
    source: str


class Option(Struct, frozen=True):
    """The model on cards of one kind, with weights of one kind."""

    gpu: str
    quantization: str
    fit: Fit
    speed: Speed | None = None
    """None where it does not fit."""
    tokens_per_second: float | None = None
    """At most, of prompts and answers as they are mixed."""
    prices: Prices | None = None
    """None where it does not fit, or no rent is known."""
    launch: dict[str, str | int | float] = {}
    """As `launch` of a policy takes it; empty where it does not fit."""
    launch_note: str = ""


class Sizing(Struct, frozen=True):
    subject: Subject
    context: int
    concurrency: int
    release: Overhead
    options: tuple[Option, ...]
    api_usd_per_million: float | None


def subject_of(name: str, catalogue: Catalogue) -> Subject:
    """By a name of the catalogue, or the path of a `config.json` or of its folder.

    Raises UnknownNameError, or PolicyError where the file cannot be used.
    """
    found = catalogue.model(name)
    if found is not None:
        key = next(key for key, each in catalogue.models.items() if each is found)
        return Subject(key, found.repository, found.read(), found)
    path = Path(name)
    if name.endswith(".json") or path.exists():
        config = read_model_config(path)
        folder = path if path.is_dir() else path.parent
        return Subject(folder.resolve().name, str(folder.resolve()), config)
    raise unknown("model", name, catalogue.models)


def cards_of(names: Iterable[str], catalogue: Catalogue) -> tuple[Card, ...]:
    """Raises UnknownNameError."""
    found = []
    for name in names:
        card = catalogue.card(name)
        if card is None:
            raise unknown("card", name, catalogue.cards)
        found.append(card)
    return tuple(found)


def size(subject: Subject, cards: Sequence[Card], wanted: Wanted, catalogue: Catalogue) -> Sizing:
    """Raises ContextUnknownError."""
    release = catalogue.releases[-1]
    if wanted.version is not None:
        release = overhead_of(wanted.version, catalogue.releases)
    context = _context(subject, wanted)
    api = None
    if wanted.against is not None:
        mix = Shares(wanted.mix.input, wanted.mix.cached, wanted.mix.output)
        api = blended(wanted.against.rates, mix)
    made = _Options(subject, wanted, context, release, api)
    options = tuple(made.option(card, each) for each in _quantizations(subject, wanted) for card in cards)
    return Sizing(subject, context, wanted.concurrency, release, options, api)


def _context(subject: Subject, wanted: Wanted) -> int:
    made_for = subject.config.shape.context
    if wanted.context is None and made_for is None:
        raise ContextUnknownError(
            f"{subject.name} does not say for which context it was made (max_position_embeddings): say which is meant"
            " with --context, such as --context 4096"
        )
    return wanted.context or min(USUAL_CONTEXT, made_for or USUAL_CONTEXT)


def _quantizations(subject: Subject, wanted: Wanted) -> Iterable[Quantization]:
    if wanted.quantization is not None:
        return (QUANTIZATIONS[wanted.quantization],)
    if subject.config.quantization != BF16:
        return (subject.config.quantization,)
    return tuple(QUANTIZATIONS[name] for name in USUAL_QUANTIZATIONS)


class _Options:
    def __init__(self, subject: Subject, wanted: Wanted, context: int, release: Overhead, api: float | None) -> None:
        self._subject = subject
        self._wanted = wanted
        self._context = context
        self._release = release
        self._api = api

    def option(self, card: Card, quantization: Quantization) -> Option:
        entry = self._subject.entry
        shape = (entry.read(quantization.name) if entry else self._subject.config).shape
        setup = Setup(quantization, self._context, self._wanted.concurrency)
        found = fewest_cards(shape, card, setup, self._release)
        if not found.fits:
            return Option(gpu=card.name, quantization=quantization.name, fit=found)
        most = speed(shape, card, setup, found)
        mix = self._wanted.mix
        rate = most.blended(mix.output, mix.cached)
        launch, note = self._launch(quantization, found)
        return Option(
            gpu=card.name,
            quantization=quantization.name,
            fit=found,
            speed=most,
            tokens_per_second=rate,
            prices=self._prices(card, found.cards, rate),
            launch=launch,
            launch_note=note,
        )

    def _prices(self, card: Card, cards: int, rate: float) -> Prices | None:
        def at(rent: float) -> Cost:
            return cost(rent, cards, rate, self._wanted.volume, self._api)

        if self._wanted.rent is not None:
            only = at(self._wanted.rent)
            return Prices(only, only, "", "as given")
        if card.price is None:
            return None
        return Prices(at(card.price.low), at(card.price.high), card.price.seen, card.price.source)

    def _launch(self, quantization: Quantization, found: Fit) -> tuple[dict[str, str | int | float], str]:
        """`quantization` stands there only where vLLM has to do it itself: of weights that were made smaller it sees
        how, and takes the fastest code for them unless it is told otherwise."""
        model, method, note = self._weights(quantization)
        launch: dict[str, str | int | float] = {"model": model}
        if method:
            launch["quantization"] = method
        launch |= {"gpu_memory_utilization": found.utilization, "max_model_len": self._context}
        if found.cards > 1:
            launch["tensor_parallel_size"] = found.cards
        return launch, note

    def _weights(self, quantization: Quantization) -> tuple[str, str, str]:
        subject, name = self._subject, quantization.name
        published = checkpoint_of(subject, name)
        if published is not None:
            return published.repository, "", ""
        if quantization == subject.config.quantization:
            return subject.launched_as, "", ""
        made_smaller = subject.config.method
        if name == "fp8" and not made_smaller:
            return subject.launched_as, "fp8", ""
        if made_smaller:
            return (
                subject.launched_as,
                "",
                f"its own weights are {made_smaller}, of which vLLM makes no {name}: name the repository or folder that"
                f" has {name} weights",
            )
        return (
            subject.launched_as,
            "",
            f"no {name} weights of it are known: name the repository or folder that has them",
        )


def checkpoint_of(subject: Subject, quantization: str) -> Checkpoint | None:
    published = subject.entry.checkpoints.items() if subject.entry else ()
    return next((each for method, each in published if method == quantization), None)


def quality_of(subject: Subject, quantization: str) -> tuple[Measured, float | None] | None:
    """What was measured of these weights, and of the whole ones by the same source where they are not those."""
    published = checkpoint_of(subject, quantization)
    if published is not None and published.quality is not None:
        return published.quality, published.unquantized
    if subject.entry is not None and subject.entry.quality is not None and quantization == BF16.name:
        return subject.entry.quality, None
    return None


def break_evens(prices: Prices) -> tuple[BreakEven, BreakEven] | None:
    low, high = prices.low.against, prices.high.against
    return None if low is None or high is None else (low, high)


def gib(count: float) -> float:
    return count / GIB
