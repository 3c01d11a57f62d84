"""What requests say of whom or what they are for, as records keep it: `user`, and entries of `metadata`.

It comes from clients and may be personal data. So only what the policy names is kept, no more than 64 characters of it,
and of a value that is somebody's address, number or secret only a digest. Totals know nothing of it: they could have as
many rows as there are users.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

from router.core.policy import Detector
from router.core.sensitivity.detectors import Detectors, compile_detectors
from router.core.sensitivity.finders import FINDERS

MOST_CHARACTERS = 64
_MOST_LOOKED_AT = 4096
"""Characters: nobody finds in a digest whether there was a number behind them."""
_DIGITS = 12
_CUT = "…"


def personal_finder() -> Detectors:
    """Finds what is nobody's business, whatever else the policy looks for."""
    return compile_detectors((Detector(find=tuple(FINDERS), tag="personal"),))


def kept(said: Iterable[tuple[str, str]], finder: Detectors) -> tuple[str, ...]:
    """Names and values as `name=value`; nothing of a value that is empty."""
    return tuple([f"{name}={value}" for name, text in said if (value := _kept_value(text, finder))])


def value_of(dimensions: Iterable[str], name: str) -> str:
    """What is kept of it; empty for nothing."""
    return next((each.partition("=")[2] for each in dimensions if each.partition("=")[0] == name), "")


def _kept_value(text: str, finder: Detectors) -> str:
    if len(text) > _MOST_LOOKED_AT or finder.scan([text]):
        return f"sha256-{sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:_DIGITS]}"
    # Brackets are what reports begin with that speak of those without a value, and a comma parts two in CSV.
    plain = " ".join(text.replace(",", ";").split()).lstrip("(")
    plain = "".join(each for each in plain if each.isprintable())
    return plain if len(plain) <= MOST_CHARACTERS else plain[: MOST_CHARACTERS - len(_CUT)] + _CUT
