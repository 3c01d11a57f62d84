"""From a reading, headers and a key to the facts that decisions are made on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from router.core.pins import Pin, labels_of
from router.core.policy import Sensitivity
from router.core.reading import MOST_LABELS, BadBody, Reading, split_names
from router.core.sensitivity.detectors import Detectors
from router.core.sensitivity.gate import SEALED, UNREADABLE, is_most_restricted, with_key
from router.core.sensitivity.media import NOTHING, fetch_of
from router.core.values import Facts, KeyGrant, Label, Plan

LEVEL_HEADER = "x-breakeven-sensitivity"
TAGS_HEADER = "x-breakeven-tags"
QUALITY_HEADER = "x-breakeven-quality"


def build_facts(
    plan: Plan,
    endpoint: str,
    reading: Reading,
    key: KeyGrant,
    headers: Mapping[str, str],
    passed: tuple[str, ...],
    detectors: Detectors,
    body: bytes,
    pins: Iterable[Pin] = (),
) -> Facts:
    """What is known of one request. `headers` have lower-case names, repeated ones joined by commas; `passed` names
    those that every backend gets, which detectors have to see besides `body`, from which `reading` was made. `pins` are
    those of all that it refers to, on one backend.

    Raises BadBody when the quality header is not a number from 0 to 1, and when headers give too many labels.
    """
    labels = _labels(
        plan=plan, reading=reading, key=key, headers=headers, passed=passed, detectors=detectors, body=body
    )
    pinned = ""
    for pin in pins:
        pinned = pin.backend
    if pinned and plan.policy.sensitivity is not None:
        labels += labels_of(pins)
    return Facts(
        endpoint=endpoint,
        model=reading.model,
        key=key,
        labels=labels,
        input_tokens=reading.input_tokens,
        max_output_tokens=reading.max_output_tokens,
        modalities=reading.modalities,
        quality_floor=_quality(headers),
        answers=reading.answers,
        fetch=fetch_of(reading.addresses, plan.policy.media) if reading.addresses else NOTHING,
        pinned=pinned,
        uses=reading.uses,
    )


def _labels(
    plan: Plan,
    reading: Reading,
    key: KeyGrant,
    headers: Mapping[str, str],
    passed: tuple[str, ...],
    detectors: Detectors,
    body: bytes,
) -> tuple[Label, ...]:
    """All labels, those of detectors last. The text is not scanned where no finding could change anything."""
    labels = with_key(_header_labels(headers) + reading.labels, key.permits)
    section = plan.policy.sensitivity
    if section is None:
        return labels
    if labels or reading.unreadable or reading.sealed:
        labels += _own_labels(plan, section, labels, reading)
    else:
        labels = plan.default_labels
    unbeaten = labels is plan.default_labels and labels[0].level != plan.levels[-1]
    if not unbeaten and not detectors.gives_tags and is_most_restricted(plan, labels):
        return labels
    return labels + detectors.scan_body(reading.texts or body) + _in_headers(headers, passed, detectors)


def default_labels(section: Sensitivity | None) -> tuple[Label, ...]:
    """The label of requests that nothing else labels. It is one of its own so that a finding can raise it."""
    if section is None:
        return ()
    return (Label(section.default or list(section.levels)[-1], (), "default"),)


def _in_headers(headers: Mapping[str, str], passed: tuple[str, ...], detectors: Detectors) -> tuple[Label, ...]:
    texts = [headers[name] for name in passed if name in headers]
    return detectors.scan(texts) if texts else ()


def _header_labels(headers: Mapping[str, str]) -> tuple[Label, ...]:
    """A level header that is empty is malformed, like any unknown level; an empty list of tags has no tags."""
    levels, tags = headers.get(LEVEL_HEADER), headers.get(TAGS_HEADER)
    if levels is None and tags is None:
        return ()
    given = () if levels is None else dict.fromkeys([level.strip() for level in levels.split(",")])
    names = tuple(dict.fromkeys(split_names(tags or "")))
    if len(given) + len(names) > MOST_LABELS:
        param = LEVEL_HEADER if len(given) > len(names) else TAGS_HEADER
        raise BadBody(f"The headers give more than {MOST_LABELS} different labels.", param, "too_many_labels")
    labels = tuple([Label(level=level, source="header") for level in given])
    return (*labels, Label(tags=names, source="header")) if names else labels


def _own_labels(plan: Plan, section: Sensitivity, labels: tuple[Label, ...], reading: Reading) -> tuple[Label, ...]:
    """The default level, unless the client or the key gives one, and what cannot be read."""
    most = plan.levels[-1]
    given = any(label.level is not None for label in labels)
    own = () if given else plan.default_labels
    unreadable = section.unreadable or most
    own += tuple([Label(unreadable, (), f"{UNREADABLE}{kind}") for kind in reading.unreadable])
    return own + tuple([Label(section.sealed or unreadable, (), f"{SEALED}{kind}") for kind in reading.sealed])


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
