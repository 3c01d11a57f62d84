"""What fields of a policy may hold, and what all of its sections have in common."""

from __future__ import annotations

import ast
import inspect
import re
import sys
import unicodedata
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from ipaddress import ip_address
from itertools import pairwise
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PlainSerializer,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from router.core.money import GREATEST_USD

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_YEAR_SECONDS = 8784 * 3600.0
_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_LAST_PORT = 65_535
_AUTHORITY = re.compile(r"https?://(?:\[(?P<inner>[^\]]*)\]|[\w.-]+)(?::(?P<port>\d{1,5}))?(?:/|$)")
_VERSION = re.compile(r"/v\d+$")
_HOURS = re.compile(r"([01]\d|2[0-3])-([01]\d|2[0-4])")


def _duration_text(seconds: float) -> str:
    """As `parse_duration` takes it."""
    return f"{seconds:.6f}".rstrip("0").rstrip(".") + "s"


def parse_duration(value: Any) -> float:
    """Seconds from "250ms", "2s", "15m" or "1h".

    Raises ValueError for anything else: a bare number does not say its unit; and for more than a year.
    """
    if isinstance(value, timedelta):
        return value.total_seconds()
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("a duration is a number and a unit, such as 250ms, 2s, 15m or 1h")
    seconds = float(match[1]) * _UNIT_SECONDS[match[2]]
    if seconds > _YEAR_SECONDS:
        raise ValueError("a duration is at most 8784h, which is a year")
    return seconds


def _check_some_time(seconds: float) -> float:
    if seconds <= 0:
        raise ValueError("no time at all would end everything before it begins: must be above 0s, such as 2s")
    return seconds


def check_url(url: str) -> str:
    """Raises ValueError for an address that is none."""
    found = _AUTHORITY.match(url)
    if found is None or not 0 < int(found["port"] or 80) <= _LAST_PORT or not _is_address(found["inner"]):
        raise ValueError("must be an address such as http://127.0.0.1:8000/v1, with a port from 1 to 65535 if any")
    return url


def with_version(url: str) -> str:
    """The base URL of a vLLM with the version path, which it always has and people leave out."""
    base = url.rstrip("/")
    return base if _VERSION.search(base) else f"{base}/v1"


def _is_address(text: str | None) -> bool:
    """Whether what stands in brackets, if anything does, is an IPv6 address."""
    try:
        return text is None or ip_address(text).version == 6
    except ValueError:
        return False


def _check_hours(value: str) -> str:
    if not _HOURS.fullmatch(value):
        raise ValueError('hours are two-digit hours "from-to" such as "00-06" or "22-04" (the end is excluded)')
    return value


def _check_timezone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("a time zone is an IANA name such as UTC or Europe/Berlin") from None
    return value


def _check_secret(value: str) -> str:
    """Secrets are references; the value is left out of the message on purpose: it may be a secret."""
    kind, _, target = value.partition(":")
    if kind not in ("env", "file") or not target:
        raise ValueError("a secret is given as env:NAME or file:PATH, never in the policy itself")
    return value


def _check_seen(name: str) -> str:
    """Two names that look alike are taken for one. Letters of every script may be used."""
    hidden = next((each for each in name if unicodedata.category(each) in ("Cc", "Cf")), None)
    if hidden is not None:
        raise ValueError(f"a name holds no character that is not seen or turns text around, as U+{ord(hidden):04X} is")
    return name


Name = Annotated[
    str, Field(min_length=1, max_length=128, pattern=r"^[^\s|\x00-\x1f\x7f]+$"), AfterValidator(_check_seen)
]
UpstreamName = Annotated[str, Field(min_length=1)]
Names = Annotated[tuple[Name, ...], Field(strict=False)]
Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    WithJsonSchema({"type": "string", "pattern": r"^\d+(\.\d+)?(ms|s|m|h)$", "examples": ["2s"]}),
    PlainSerializer(_duration_text, when_used="json"),
]


def _check_no_boolean(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("must be a number, not true or false")
    return value


Numeric = BeforeValidator(_check_no_boolean)
"""Of a choice among numbers: `true` is equal to 1."""
TimeLimit = Annotated[Duration, AfterValidator(_check_some_time)]
"""A duration within which something has to happen."""
Secret = Annotated[str, AfterValidator(_check_secret)]

# Every number has an upper bound, far beyond sense: the longest request at the dearest price stays below GREATEST_USD.
Fraction = Annotated[float, Field(ge=0, le=1)]
Usd = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]
Rate = Annotated[float, Field(ge=0, le=10_000, allow_inf_nan=False)]
"""USD per million tokens, or per request."""
UsdLimit = Annotated[float, Field(ge=0, le=GREATEST_USD, allow_inf_nan=False)]
CountLimit = Annotated[int, Field(ge=0, le=1_000_000_000_000_000)]
Volume = Annotated[int, Field(gt=0, le=1_000_000_000_000_000)]
"""Tokens of a day."""
Length = Annotated[int, Field(gt=0, le=100_000_000)]
"""Tokens of one request."""
Count = Annotated[int, Field(gt=0, le=1_000_000)]
CountFromZero = Annotated[int, Field(ge=0, le=1_000_000)]
Bytes = Annotated[int, Field(gt=0, le=1_000_000_000_000)]
Hours = Annotated[str, AfterValidator(_check_hours)]
TimezoneName = Annotated[str, AfterValidator(_check_timezone)]
Url = Annotated[str, Field(pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$"), AfterValidator(check_url)]
Host = Annotated[
    str, Field(pattern=r"^((\*\.)?[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?$")
]
Hosts = Annotated[tuple[Host, ...], Field(strict=False, min_length=1)]
SecretName = Annotated[str, Field(min_length=1)]

MediaHost = Annotated[str, Field(pattern=r"^(\*\.)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(:\d{1,5})?$", max_length=255)]

TierName = Annotated[str, Field(pattern=r"^[a-z0-9_.-]+$", max_length=32)]
ImageKind = Annotated[str, Field(pattern=r"^[a-z0-9]+( [a-z0-9]+)?$", max_length=32)]
"""Quality, size, or both of a picture: hd, 1024x1792, "hd 1024x1792"."""
Multiple = Annotated[float, Field(ge=0, le=4, allow_inf_nan=False)]
STANDARD_TIERS = frozenset({"auto", "default", "standard", "on_demand"})
"""What providers call the service tier that their price list speaks of. `auto` leaves the choice to the provider."""

EndpointName = str
"""The name of a surface, such as "chat". Which ones there are is known above core; `config` checks them."""
RecordDimension = Annotated[str, Field(pattern=r"^(user|metadata\.[A-Za-z0-9_-]{1,64})$")]
Modality = Literal["text", "image", "audio", "file", "video"]


class Section(BaseModel):
    """Base of every section: unknown keys are refused and values cannot change.

    What its settings mean stands in the docstrings behind them. They are read when a schema is asked for, and what
    validates a section is made when one is validated: processes that only import all sections start sooner for it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        made = handler(schema)
        fields = handler.resolve_ref_schema(made).get("properties", {})
        sections = [each for each in reversed(cls.__mro__) if issubclass(each, Section)]
        for section in sections:
            for name, meaning in _meanings(section.__module__).get(section.__qualname__, {}).items():
                if name in fields:
                    fields[name]["description"] = meaning
        return made


@cache
def _meanings(module: str) -> dict[str, dict[str, str]]:
    """What is said behind the attributes of a module's classes: by class, by attribute."""
    classes = [
        node for node in ast.parse(inspect.getsource(sys.modules[module])).body if isinstance(node, ast.ClassDef)
    ]
    return {each.name: dict(_said_behind(each)) for each in classes}


def _said_behind(section: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for before, node in pairwise(section.body):
        match before, node:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                yield name, inspect.cleandoc(text)
