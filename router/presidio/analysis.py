"""Presidio's analyzer for the entities of one policy. The only module that imports Presidio and spaCy."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any


class Unusable(Exception):
    """The text says what is missing or wrong, and what to do."""


class Analysis:
    """Takes seconds to be made. Raises Unusable."""

    def __init__(self, model: str, language: str, entities: Iterable[str]) -> None:
        # What Presidio says below warnings has words of the texts.
        for name in ("presidio-analyzer", "presidio_analyzer", "decision_process"):
            logging.getLogger(name).setLevel(logging.ERROR)
        self._language = language
        self._engine = _engine(model, language)
        self._pipeline = self._engine.nlp_engine.nlp[language]
        known = sorted(self._engine.get_supported_entities(language))
        if unknown := sorted(set(entities) - set(known)):
            knows = f"with this model and language; it knows: {', '.join(known)}"
            raise Unusable(f"Presidio knows no entity {', '.join(unknown)} {knows}")
        self.entities_in("Ada Lovelace lived in London.", tuple(entities), 0.5)  # what is made at first use is made now

    def entities_in(self, text: str, entities: tuple[str, ...], min_score: float) -> frozenset[str]:
        # spaCy would keep every word that it meets for good.
        with self._pipeline.memory_zone():
            found = self._engine.analyze(text, self._language, list(entities), score_threshold=min_score)
            return frozenset(each.entity_type for each in found)


def _engine(model: str, language: str) -> Any:
    # Presidio downloads what it does not find.
    if not Path(model).is_dir() and (model.startswith((".", "/")) or find_spec(model) is None):
        raise Unusable(f"the spaCy pipeline {model!r} is not installed for this Python, and no folder is called so")
    try:
        presidio, engines = import_module("presidio_analyzer"), import_module("presidio_analyzer.nlp_engine")
    except ImportError as error:
        raise Unusable(f"presidio-analyzer cannot be imported: {error}") from None
    try:
        settings = {"nlp_engine_name": "spacy", "models": [{"lang_code": language, "model_name": model}]}
        spacy = engines.NlpEngineProvider(nlp_configuration=settings).create_engine()
        registry = presidio.RecognizerRegistry(supported_languages=[language])
        registry.load_predefined_recognizers(languages=[language], nlp_engine=spacy)
        return presidio.AnalyzerEngine(registry=registry, nlp_engine=spacy, supported_languages=[language])
    except (OSError, ValueError, ImportError) as error:
        raise Unusable(f"the spaCy pipeline {model!r} cannot be loaded: {error}") from None
