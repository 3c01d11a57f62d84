"""A provider's usage or cost export (CSV) -> sums by day and model.

The form is recognised by the names of its columns, in any order and case; other columns are ignored. Cached and
written input is part of `input`, as in the ledger.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import chain
from zoneinfo import ZoneInfo

from msgspec import Struct

from router.core.money import NANO_PER_USD

FIGURES = ("requests", "input", "cached", "output", "cost")
_DELIMITERS = ",;\t"
_NUMBER = re.compile(r"-?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?(?:[eE][-+]?\d{1,2})?")


class InvoiceError(ValueError):
    """The file cannot be read; the text names the line, and the column where there is one."""

    def __init__(self, line: int, problem: str, column: str = "") -> None:
        super().__init__(f"line {line}{f', column {column}' if column else ''}: {problem}")


class Figures(Struct, frozen=True):
    """Sums of one day and model; `cost` is nano-USD."""

    requests: int = 0
    input: int = 0
    cached: int = 0
    output: int = 0
    cost: int = 0


class Invoice(Struct, frozen=True):
    form: str
    measures: tuple[str, ...]
    """Those that the file has."""
    lines: Mapping[tuple[str, str], Figures]
    """By day (YYYY-MM-DD) and model; the model is empty where the file names none."""


class Form(Struct, frozen=True):
    """Columns of one export. A measure is the sum of its columns; `date` and `model` take the first that is there."""

    name: str
    known_by: frozenset[str]
    date: tuple[str, ...]
    model: tuple[str, ...]
    columns: Mapping[str, tuple[str, ...]]


FORMS = (
    Form(
        "Anthropic usage",
        frozenset({"usage_date_utc", "usage_output_tokens"}),
        ("usage_date_utc",),
        ("model_version", "model"),
        {
            "input": (
                "usage_input_tokens_no_cache",
                "usage_input_tokens_cache_write_5m",
                "usage_input_tokens_cache_write_1h",
                "usage_input_tokens_cache_read",
            ),
            "cached": ("usage_input_tokens_cache_read",),
            "output": ("usage_output_tokens",),
        },
    ),
    Form(
        "Anthropic cost",
        frozenset({"usage_date_utc", "cost_usd"}),
        ("usage_date_utc",),
        ("model", "model_version"),
        {"cost": ("cost_usd",)},
    ),
    Form(
        "OpenAI costs",
        frozenset({"start_time", "amount_value"}),
        ("start_time_iso", "start_time"),
        ("line_item",),
        {"cost": ("amount_value",)},
    ),
    Form(
        "OpenAI usage",
        frozenset({"start_time", "num_model_requests"}),
        ("start_time_iso", "start_time"),
        ("model",),
        {
            "requests": ("num_model_requests",),
            "input": ("input_tokens",),
            "cached": ("input_cached_tokens",),
            "output": ("output_tokens",),
        },
    ),
    Form(
        "generic",
        frozenset({"date", "model"}),
        ("date",),
        ("model",),
        {
            "requests": ("requests",),
            "input": ("input_tokens",),
            "cached": ("cached_tokens",),
            "output": ("output_tokens",),
            "cost": ("cost_usd",),
        },
    ),
)


def read_invoice(file: Iterable[bytes], timezone: ZoneInfo) -> Invoice:
    """Sums a file's lines. Moments are put on days of `timezone`; dates stay as they are. Raises InvoiceError."""
    rows = _rows(file)
    names = [name.strip().lower().replace(" ", "_") for name in next(rows, (1, []))[1]]
    form = _form_of(names)
    found = {measure: [name for name in wanted if name in names] for measure, wanted in form.columns.items()}
    measures = tuple(measure for measure in FIGURES if found.get(measure))
    if not measures:
        raise InvoiceError(1, "there is no column with tokens, requests or costs")
    parser = _Parser(form, names, {measure: found[measure] for measure in measures}, timezone)
    sums: dict[tuple[str, str], dict[str, Decimal]] = defaultdict(lambda: dict.fromkeys(measures, Decimal()))
    for number, cells in rows:
        for place, figures in parser.parse(number, cells):
            for measure, value in figures.items():
                sums[place][measure] += value
    return Invoice(form.name, measures, {place: _figures(sums[place]) for place in sorted(sums)})


class _Parser:
    """Reads the lines of one file."""

    def __init__(
        self, form: Form, names: Sequence[str], columns: Mapping[str, Sequence[str]], timezone: ZoneInfo
    ) -> None:
        self._names = names
        self._columns = columns
        self._timezone = timezone
        self._date = next(name for name in form.date if name in names)
        self._model = next((name for name in form.model if name in names), "")

    def parse(self, number: int, cells: Sequence[str]) -> Iterator[tuple[tuple[str, str], dict[str, Decimal]]]:
        """At most one place with its figures: lines of nothing are left out, such as an empty bucket."""
        if not any(cells):
            return
        if len(cells) != len(self._names):
            raise InvoiceError(number, f"it has {len(cells)} columns, and the first line has {len(self._names)}")
        line = dict(zip(self._names, (cell.strip() for cell in cells), strict=True))
        figures = {
            measure: sum((self._number(number, name, line[name]) for name in names), Decimal())
            for measure, names in self._columns.items()
        }
        if not any(figures.values()):
            return
        if line.get("amount_currency", "usd").lower() not in ("usd", ""):
            raise InvoiceError(number, f"only USD can be compared, not {line['amount_currency']}", "amount_currency")
        yield (self._day(number, line[self._date]), self._model_of(line)), figures

    def _model_of(self, line: Mapping[str, str]) -> str:
        """OpenAI's line items are "MODEL, what of it"."""
        model = line.get(self._model, "")
        return model.partition(",")[0].strip() if self._model == "line_item" else model

    def _day(self, number: int, text: str) -> str:
        try:
            if text.isdecimal() and len(text) > 8:
                return self._on(datetime.fromtimestamp(int(text), UTC))
            if len(text) <= 10:
                return date.fromisoformat(text).isoformat()
            return self._on(datetime.fromisoformat(text))
        except (ValueError, OverflowError, OSError):
            raise InvoiceError(number, f"{text[:40]!r} is not a date such as 2026-11-20", self._date) from None

    def _on(self, moment: datetime) -> str:
        """A moment without an offset is one of the provider's own clock."""
        local = moment if moment.tzinfo is None else moment.astimezone(self._timezone)
        return local.date().isoformat()

    def _number(self, number: int, column: str, text: str) -> Decimal:
        plain = text.removeprefix("$")
        if not plain:
            return Decimal()
        if not _NUMBER.fullmatch(plain) or not any(map(str.isdecimal, plain)):
            raise InvoiceError(number, f"{text[:40]!r} is not a number such as 1234.5", column)
        return Decimal(plain.replace(",", ""))


def _rows(file: Iterable[bytes]) -> Iterator[tuple[int, list[str]]]:
    """Rows with the number of the line on which each ends."""
    lines = _decoded(file)
    header = next(lines, "")
    delimiter = max(_DELIMITERS, key=header.count)
    reader = csv.reader(chain([header], lines), delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            yield reader.line_num, cells
    except csv.Error as error:
        raise InvoiceError(reader.line_num, f"not CSV ({error})") from None


def _decoded(file: Iterable[bytes]) -> Iterator[str]:
    for number, line in enumerate(file, 1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            raise InvoiceError(number, "not UTF-8 text; save it as CSV in UTF-8") from None


def _form_of(names: Sequence[str]) -> Form:
    for form in FORMS:
        if form.known_by <= set(names):
            return form
    raise InvoiceError(
        1,
        "these are not the columns of an export of OpenAI's or Anthropic's, nor date, model and any of "
        "input_tokens, cached_tokens, output_tokens, requests, cost_usd",
    )


def _figures(sums: Mapping[str, Decimal]) -> Figures:
    return Figures(**{m: round(value * NANO_PER_USD if m == "cost" else value) for m, value in sums.items()})
