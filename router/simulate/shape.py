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
        least = 0 if name in ("first_byte", "start") else 1e-9
        if not least <= value <= 1e12:
            whole = "a whole number" if name in _WHOLE else "a number"
            raise BadShape(f"{name} is {whole} above 0, such as {name}=64, and not {text!r}")
        given[name] = value
    return replace(shape, **given)
