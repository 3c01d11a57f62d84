"""What a format of recorded requests is, and how one of its lines becomes a request."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Generic, TypeVar, get_type_hints

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import fields

from router.simulate.readers.malformed import Wrong
from router.simulate.requests import RecordedRequest

MOST_TOKENS = 10**8
"""Of one request: no model reads or writes more, and what would be written for years is a mistake of the file."""
_TOKENS = "a number of tokens up to 100 million, such as 512"
Tokens = Annotated[int, Meta(ge=0, le=MOST_TOKENS, description=_TOKENS)]
SignedTokens = Annotated[int, Meta(ge=-MOST_TOKENS, le=MOST_TOKENS, description=_TOKENS)]
Number = Annotated[int, Meta(ge=0, le=10**15, description="a whole number, such as 200")]
Asked = Annotated[int, Meta(ge=0, description="a whole number, such as 512")]
"""What a client may ask for, which is anything."""
Count = Annotated[int, Meta(ge=-1, le=1, description="1, 0 or -1")]
Amount = Annotated[float, Meta(description="an amount of money, such as 310.35")]
Measure = Annotated[float, Meta(ge=0, description="a number that is not below 0, such as 0.8")]
Text = Annotated[str, Meta(description="text")]
Texts = Annotated[tuple[str, ...], Meta(description="a list of texts")]
Flag = Annotated[bool, Meta(description="true or false")]
Time = Annotated[str | float, Meta(description="a time")]

Line = TypeVar("Line", bound=Struct)


class Format(Struct, Generic[Line], frozen=True):
    name: str
    what: str
    """For people: where such files come from."""
    line: type[Line]
    """The columns that are read, by the names that files have for them; others are ignored. Those without a default
    are what the format is known by."""
    request: Callable[[Line, int], RecordedRequest | None]
    """Of one line and its number; None for a line that is no request. Raises Wrong."""

    once: str = ""
    """A column whose values are there once, in one request; empty where there is none."""

    @property
    def known_by(self) -> tuple[str, ...]:
        return tuple(each.encode_name for each in fields(self.line) if each.required)

    def names(self) -> frozenset[str]:
        """All columns that are read."""
        return frozenset(each.encode_name for each in fields(self.line))

    def lists(self) -> frozenset[str]:
        """Columns with several texts, which CSV has in one, separated by commas."""
        hints = get_type_hints(self.line)
        return frozenset(each.encode_name for each in fields(self.line) if hints[each.name] == tuple[str, ...])

    def read(self, values: Mapping[str, Any], number: int) -> RecordedRequest | None:
        """Text stands for a number where CSV has it. Raises Wrong."""
        try:
            line = msgspec.convert(values, self.line, strict=False)
        except msgspec.ValidationError as error:
            raise self._wrong(values, str(error)) from None
        return self.request(line, number)

    def _wrong(self, values: Mapping[str, Any], error: str) -> Wrong:
        hints = get_type_hints(self.line, include_extras=True)
        column = _PLACE.findall(error)[-1]
        wrong = next(each for each in fields(self.line) if each.encode_name == column)
        return Wrong(column, values.get(column), described(hints[wrong.name]))


_PLACE = re.compile(r"(?:field `|`\$\.)([^`\[]+)")
"""Where msgspec says that it is: ... - at `$.input_tokens`, or a required field that is missing."""


def described(hint: Any) -> str:
    """What would be right in a column of this type."""
    found = [each.description for each in getattr(hint, "__metadata__", ()) if isinstance(each, Meta)]
    inner = [described(each) for each in getattr(hint, "__args__", ()) if not found]
    return next((each for each in (*found, *inner) if each), "")
