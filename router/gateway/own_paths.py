"""Which paths the gateway answers itself, and what it says of paths that there are not.

Beside its own it has those that clients of a vLLM server look for: they are answered for the gateway.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from functools import lru_cache
from typing import Final

from router.gateway.errors import ApiError
from router.surfaces.base import PREFIX
from router.surfaces.registry import BY_PATH, FALLBACK, INSTEAD, KEPT, WITHHELD

MODELS: Final = PREFIX + FALLBACK.models_path
INVOCATIONS: Final = "/invocations"
OWN: Final[Mapping[str, tuple[str, str]]] = {
    MODELS: ("GET", "the models that the key may use"),
    f"{MODELS}/{{model}}": ("GET", "one of them"),
    INVOCATIONS: ("POST", "a request to the surface that its body is of, as vLLM takes it"),
    "/health": ("GET", "200 and no body while the gateway runs, as vLLM answers"),
    "/ping": ("GET, POST", "the same"),
    "/version": ("GET", "the gateway's version, in vLLM's shape"),
    "/healthz": ("GET", "that a worker runs"),
    "/readyz": ("GET", "whether it should be sent requests, and how backends are"),
}
"""By path: the methods, and what is told."""
_MOST_SHOWN = 100
"""Characters of a path that an error repeats, or that others are compared with."""
_LIKENESS = 0.6


def wrong_method(path: str, methods: str, *, preflights: bool, heads: bool = True) -> ApiError:
    """`preflights`: OPTIONS is answered, too; `heads`: and HEAD, where GET is."""
    allow = methods.replace("GET", "GET, HEAD" if heads else "GET") + (", OPTIONS" if preflights else "")
    message = f"{path[:_MOST_SHOWN]} takes {methods.replace(', ', ' and ')} only."
    return ApiError(405, "method_not_allowed", message, allow=allow)


def unknown_path(method: str, path: str) -> ApiError:
    """404, in the words that OpenAI has for it: why there is none, or the paths that there are, those first that may
    have been meant."""
    why = INSTEAD.get(path) or _withheld(path) or _told(method, path[:_MOST_SHOWN])
    return ApiError(404, "unknown_url", why)


def _withheld(path: str) -> str:
    return next((why for place, why in WITHHELD.items() if path == place or path.startswith(f"{place}/")), "")


@lru_cache(maxsize=64)
def _told(method: str, path: str) -> str:
    there = {each: f"POST {each}" for each in BY_PATH} | {
        each: f"{methods} {each}" for each, (methods, _) in OWN.items()
    }
    kept = KEPT.methods_at(path)
    if kept:
        there.setdefault(PREFIX + path, f"{', '.join(kept)} {PREFIX}{path}")
    meant = _meant(path, tuple(there))
    hint = f" Did you mean {' or '.join(there[each] for each in meant)}?" if meant else ""
    others = ", ".join(shown for each, shown in there.items() if each not in meant)
    return f"Invalid URL ({method} {path}): there is no such path here.{hint} There are also: {others}."


def _meant(path: str, there: tuple[str, ...]) -> list[str]:
    """A base URL that lacks the prefix, or has it where the client adds it once more, is the commonest slip."""
    exact = [each for each in there if each in (PREFIX + path, path.replace(PREFIX * 2, PREFIX, 1))]
    return exact or get_close_matches(path, there, n=3, cutoff=_LIKENESS)
