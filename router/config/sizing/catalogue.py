"""Models, cards and versions of vLLM that are known: figures, each with its source and the day on which it was seen.

A model stands there as its own `config.json` has it, so that one reader serves what is known and what is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from router.config.problems import Finding, suggest
from router.config.sizing.model_config import ModelConfig, config_of
from router.config.yaml_document import parse
from router.core.sizing.cards import Card
from router.core.sizing.overhead import Overhead
from router.core.sizing.quantization import QuantizationName


class Measured(Struct, frozen=True):
    """What somebody measured, and where it was published."""

    benchmark: str
    score: float
    source: str


class Checkpoint(Struct, frozen=True):
    """Weights that were made smaller and published."""

    repository: str
    quality: Measured | None = None
    unquantized: float | None = None
    """The score of the whole weights on the same benchmark, by the same source."""
    config: Mapping[str, Any] = {}
    """What its config.json says otherwise."""


class ModelEntry(Struct, frozen=True):
    repository: str
    license: str
    source: str
    seen: str
    published_parameters: float
    """As its card tells them, without what is not served; held against what is counted from `config`."""
    config: Mapping[str, Any]
    aliases: tuple[str, ...] = ()
    quality: Measured | None = None
    checkpoints: Mapping[QuantizationName, Checkpoint] = {}
    """By the method of quantization."""

    def read(self, quantization: str | None = None) -> ModelConfig:
        """Of the weights of that method, where there are such."""
        other = next((each for method, each in self.checkpoints.items() if method == quantization), None)
        findings: list[Finding] = []
        config = config_of({**self.config, **(other.config if other else {})}, findings)
        if config is None or findings:
            raise ValueError(f"{self.repository}: {findings}")
        return config


class ArticleRow(Struct, frozen=True):
    """What the article says, whose table is corrected."""

    says: str
    model: str
    """Of `models`: what is meant."""
    parameters: str
    quality: float
    """Percent of GPT-4o."""
    memory_gb: float
    usd_self_hosted: float
    """Per million tokens."""
    usd_api: float | None
    note: str


class Catalogue(Struct, frozen=True):
    models: Mapping[str, ModelEntry]
    cards: Mapping[str, Card]
    releases: tuple[Overhead, ...]
    """Of vLLM, ascending."""
    article: tuple[ArticleRow, ...]
    reference: Measured
    """What the article compares with."""

    def model(self, name: str) -> ModelEntry | None:
        """By its name, its repository, or that of one of its checkpoints, whatever their case."""
        wanted = name.lower()
        return next((each for key, each in self.models.items() if wanted in _names(key, each)), None)

    def card(self, name: str) -> Card | None:
        wanted = name.lower()
        return next((each for key, each in self.cards.items() if key.lower() == wanted), None)


class UnknownNameError(Exception):
    """Its text says which are known, and which was probably meant."""


def unknown(what: str, name: str, known: Iterable[str]) -> UnknownNameError:
    names = sorted(known)
    return UnknownNameError(f"{name}: no such {what}{meant(name, names)} there are {', '.join(names)}")


def meant(name: str, known: Iterable[str]) -> str:
    """As `suggest` has it; those that begin with it, of which there may be several, come before what is alike."""
    names = list(known)
    longer = [f'"{each}"' for each in names if name and each.lower().startswith(f"{name.lower()}-")]
    return f"; did you mean {' or '.join(longer)}?" if longer else suggest(name, names)


def _names(key: str, entry: ModelEntry) -> set[str]:
    repositories = [entry.repository, *(each.repository for each in entry.checkpoints.values())]
    return {each.lower() for each in (key, *entry.aliases, *repositories)}


def load_catalogue() -> Catalogue:
    models = _read("models.yaml")
    return Catalogue(
        models=msgspec.convert(models["models"], dict[str, ModelEntry], strict=False),
        cards={
            name: msgspec.convert({"name": name, **each}, Card, strict=False)
            for name, each in _read("cards.yaml").items()
        },
        releases=msgspec.convert(_read("vllm.yaml")["releases"], tuple[Overhead, ...], strict=False),
        article=msgspec.convert(models["article"], tuple[ArticleRow, ...], strict=False),
        reference=msgspec.convert(models["reference"], Measured, strict=False),
    )


def _read(name: str) -> Any:
    return parse((Path(__file__).parent / name).read_text(encoding="utf-8"), name).data
