"""How fast a simulated backend is, and how much of it there is: given, assumed, or fitted to records."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from router.core.backend_kinds import Backend
from router.core.policy import Mix

OWN_FIRST_BYTE, CLOUD_FIRST_BYTE = 0.02, 0.5
OWN_SPEED, CLOUD_SPEED = 40.0, 80.0
_PREFILL_TIMES = 10.0
"""How many times as fast a GPU reads as it serves altogether, where only the latter is known."""


class Shape(Struct, frozen=True):
    """One replica or unit. Rates are tokens per second; None is no bound."""

    speed: float
    """Of one answer, when nothing else runs."""
    first_byte: float
    """Seconds before an answer begins, besides reading its input."""
    slots: int | None = None
    """Requests that it works on at a time; others wait in its own queue."""
    prefill: float | None = None
    """Of input, for all requests together, one after the other."""
    decode: float | None = None
    """Of output, for all requests together."""
    kv: int | None = None
    """Tokens that there is room for in its KV cache."""
    start: float | None = None
    """Seconds of a start; as the policy expects when left out."""


SETTINGS = Shape.__struct_fields__


def assumed(backend: Backend, owned: bool, mix: Mix) -> Shape:
    """What a policy says of a backend, and guesses for the rest.

    Where it says what a unit serves when busy, T tokens per second at the policy's mix, it reads ten times as fast as
    that, R = 10·T, and writes at the D that makes the whole T: 1/T = (1 - output)/R + output/D.
    """
    if not owned:
        return Shape(speed=CLOUD_SPEED, first_byte=CLOUD_FIRST_BYTE)
    total = backend.capacity.tokens_per_second
    slots = backend.capacity.max_running
    if total is None:
        return Shape(speed=OWN_SPEED, first_byte=OWN_FIRST_BYTE, slots=slots)
    prefill = _PREFILL_TIMES * total
    decode = mix.output / (1 / total - (1 - mix.output) / prefill) if mix.output else total
    return Shape(min(OWN_SPEED, decode), OWN_FIRST_BYTE, slots=slots, prefill=prefill, decode=decode)


class BadShape(ValueError):
    """What is wrong with what was said of a backend, and what would be right."""


_WHOLE = ("slots", "kv")
_SECONDS = ("first_byte", "start")
_LEAST_RATE, _MOST, _LONGEST = 0.01, 1e12, 86_400.0
"""Slower, or later, than that nothing would come to its end in any time that is simulated."""


def changed(shape: Shape, settings: str) -> Shape:
    """With settings such as "slots=64,prefill=8000". Raises BadShape."""
    given: dict[str, float | int] = {}
    for part in settings.split(","):
        name, separator, text = (each.strip() for each in part.partition("="))
        if name not in SETTINGS or not separator:
            raise BadShape(
                f"{part.strip()!r} is no setting of a backend; there are: {', '.join(SETTINGS)}, each NAME=NUMBER"
            )
        try:
            value = int(text) if name in _WHOLE else float(text)
        except ValueError:
            value = -1
        least, most, right = _bounds(name)
        if not least <= value <= most:
            raise BadShape(f"{name} is {right}, such as {name}=64, and not {text!r}")
        given[name] = value
    return replace(shape, **given)


def _bounds(name: str) -> tuple[float, float, str]:
    """The least and the most that a setting may be, and that in words."""
    if name in _WHOLE:
        return 1, _MOST, "a whole number above 0"
    if name in _SECONDS:
        return 0, _LONGEST, f"a number of seconds from 0 to {_LONGEST:.0f}"
    return _LEAST_RATE, _MOST, f"a number of tokens per second, {_LEAST_RATE} at least"
