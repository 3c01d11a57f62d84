"""What models are called here: as there, but where no name here can be so."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container

from router.config.litellm_config.reader import Reader

LONGEST = 128
RENAMED = (
    f"a name has no spaces, no | and nothing that is not seen here, and {LONGEST} characters at most: clients have to"
    " ask for"
)
_APART = re.compile(r"[\s|\x00-\x1f\x7f]+")
_UNSEEN = ("Cc", "Cf")
"""What Unicode calls the kinds of characters that are not seen, or turn text around."""


def model_names(reader: Reader) -> dict[str, str]:
    """By `model_name`. What had two names has two."""
    entries = reader.get(("model_list",))
    count = len(entries) if isinstance(entries, list) else 0
    given = dict.fromkeys(as_name(reader.get(("model_list", index, "model_name"))) for index in range(count))
    taken = {name for name in given if plain(name) == name}
    names: dict[str, str] = {}
    for name in filter(None, given):
        names[name] = name if name in taken else free(plain(name), taken)
        taken.add(names[name])
    return names


def as_name(value: object) -> str:
    """Empty for what is none; a model may be called 4."""
    return str(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def plain(name: str) -> str:
    """The same, or the closest that can be a name here."""
    seen = "".join(" " if unicodedata.category(each) in _UNSEEN else each for each in name)
    return _APART.sub("-", seen)[:LONGEST]


def free(wanted: str, taken: Container[str]) -> str:
    """The same, or the first with a number behind it, that nothing else is called; never too long."""
    name, number = wanted[:LONGEST], 1
    while name in taken:
        number += 1
        name = f"{wanted[: LONGEST - 6]}-{number}"
    return name
