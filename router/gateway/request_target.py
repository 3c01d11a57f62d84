"""What the path and the query of a request for kept objects say: texts to detectors, and ids to who knows whose they
are.

A backend gets both, so that they count as a body does, however they are spelled.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from urllib.parse import unquote_plus

import msgspec

MOST_DECODED = 3
"""Levels of percent signs that are taken away."""
_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}")


def spellings(query: str) -> list[str]:
    """The query as it was sent, and with one level of percent signs after the other taken away."""
    found = [query]
    while len(found) <= MOST_DECODED and (plain := unquote_plus(found[-1])) != found[-1]:
        found.append(plain)
    return found


def ids_in(path_ids: Iterable[str], query: str) -> list[str]:
    """All in a path, at any place, and all in a query that could be one, in whatever it stands."""
    return [*dict.fromkeys((*path_ids, *(id for text in spellings(query) for id in _ID.findall(text))))]


def said(path_ids: Iterable[str], query: str, headers: Iterable[str], known: Collection[str]) -> bytes:
    """All of it that somebody may have written, as JSON, as detectors take a body. Known ids were made up by the
    backend itself, whose digits say nothing."""
    for id in known:
        query = query.replace(id, "")
    forms = spellings(query)
    values = [value for pair in query.split("&") for value in spellings(pair.partition("=")[2])[-1:]]
    texts = [*(id for id in path_ids if id not in known), *values, *forms, *headers]
    heard = [text for text in texts if text]
    return msgspec.json.encode(heard) if heard else b""
