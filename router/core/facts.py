"""From a reading, headers and a key to the facts that decisions are made on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from router.core.detectors import Detectors
from router.core.policy import Endpoint, Sensitivity
from router.core.reading import BadBody, Reading, split_names
from router.core.sensitivity import is_most_restricted, with_key
from router.core.unescape import passes
from router.core.values import Facts, KeyGrant, Label, Plan

LEVEL_HEADER = "x-breakeven-sensitivity"
TAGS_HEADER = "x-breakeven-tags"
QUALITY_HEADER = "x-breakeven-quality"


def build_facts(
    plan: Plan,
    endpoint: Endpoint,
    reading: Reading,
    key: KeyGrant,
    headers: Mapping[str, str],
    detectors: Detectors,
    body: bytes,
) -> Facts:
    """What is known of one request. `headers` have lower-case names, repeated ones joined by commas; `body` is what
    `reading` was made from.

    Raises BadBody when the quality header is not a number from 0 to 1.
    """
    return Facts(
        endpoint=endpoint,
        model=reading.model,
        key=key,
        labels=_labels(plan, reading, key, headers, detectors, body),
        input_tokens=reading.input_tokens,
        max_output_tokens=reading.max_output_tokens,
        modalities=reading.modalities,
        quality_floor=_quality(headers),
    )


def _labels(
    plan: Plan, reading: Reading, key: KeyGrant, headers: Mapping[str, str], detectors: Detectors, body: bytes
) -> tuple[Label, ...]:
    """All labels, those of detectors last. The text is not scanned where no finding could change anything."""
    labels = with_key((*_header_labels(headers), *reading.labels), key)
    section = plan.policy.sensitivity
    if section is None:
        return labels
    labels = (*labels, *_own_labels(plan, section, labels, reading))
    if not detectors.gives_tags and is_most_restricted(plan, labels):
        return labels
    return labels + detectors.scan(passes(body))


def _header_labels(headers: Mapping[str, str]) -> Iterator[Label]:
    """A level header that is empty is malformed, like any unknown level; an empty list of tags has no tags."""
    levels = headers.get(LEVEL_HEADER)
    if levels is not None:
        for level in levels.split(","):
            yield Label(level=level.strip(), source="header")
    tags = split_names(headers.get(TAGS_HEADER, ""))
    if tags:
        yield Label(tags=tags, source="header")


def _own_labels(plan: Plan, section: Sensitivity, labels: tuple[Label, ...], reading: Reading) -> Iterator[Label]:
    """The default level, unless the client or the key gives one, and what cannot be read.

    The default is a label of its own so that a finding can raise it, and never replaces it by something lower.
    """
    most = plan.levels[-1]
    if all(label.level is None for label in labels):
        yield Label(level=section.default or most, source="default")
    for kind in reading.unreadable:
        yield Label(level=section.unreadable or most, source=f"unreadable {kind}")


def _quality(headers: Mapping[str, str]) -> float:
    text = headers.get(QUALITY_HEADER)
    if text is None:
        return 0.0
    try:
        quality = float(text)
    except ValueError:
        quality = -1.0
    if not 0 <= quality <= 1:
        raise BadBody(f"The header '{QUALITY_HEADER}' must be a number from 0 to 1.", QUALITY_HEADER, "invalid_value")
    return quality
