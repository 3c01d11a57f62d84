"""rpm, tpm and max_budget, of deployments and of the whole proxy -> budgets of the policy."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from router.config.litellm_config.deployments import Deployment, Pairs
from router.config.litellm_config.notes import Note
from router.config.litellm_config.reader import Reader

_DAY = 86_400
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": _DAY, "w": 7 * _DAY, "mo": 30 * _DAY}
_DURATION = re.compile(r"(\d+)(mo|[dwhms])")
_PERIODS = {60: "minute", _DAY: "day", **{days * _DAY: "month" for days in (28, 29, 30, 31)}}
_NEVER = (
    "a budget without a budget_duration never starts anew there, and here every one does: give usd_per_month or less"
)


class Limits(Struct, frozen=True):
    """The policy's `budget`."""

    whole: Pairs = ()
    by_model: Mapping[str, Pairs] = {}
    notes: tuple[Note, ...] = ()


def limits(reader: Reader, found: Sequence[Deployment]) -> Limits:
    whole, notes = _of_proxy(reader)
    by_model: dict[str, Pairs] = {}
    for name in dict.fromkeys(each.name for each in found):
        pairs, more = _of_model([each for each in found if each.name == name])
        by_model |= {name: pairs} if pairs else {}
        notes += more
    return Limits(whole, by_model, tuple(notes))


def period_of(duration: str) -> str:
    """`day` of 24h and so on; empty for what no limit here starts anew with."""
    match = _DURATION.fullmatch(duration)
    return _PERIODS.get(int(match[1]) * _SECONDS[match[2]], "") if match else ""


def _of_proxy(reader: Reader) -> tuple[Pairs, list[Note]]:
    pairs: list[tuple[str, str]] = []
    notes: list[Note] = []
    place = ("litellm_settings", "max_budget")
    dollars, duration = reader.number(place), reader.text(("litellm_settings", "budget_duration"))
    if dollars is not None:
        found, notes = _dollars(dollars, duration, Note(place, ""))
        pairs += found
    running = reader.number(("general_settings", "global_max_parallel_requests"))
    if running is not None:
        pairs.append(("concurrent_requests", str(int(running))))
    return tuple(pairs), notes


def _dollars(amount: float, duration: str, place: Note) -> tuple[Pairs, list[Note]]:
    period = period_of(duration)
    if period:
        return ((f"usd_per_{period}", f"{amount:g}"),), []
    why = (
        f"{amount:g} USD for {duration}: here limits are of a minute, a day or a calendar month: give usd_per_day or"
        if duration
        else f"{amount:g} USD: {_NEVER}, and a month's limit is"
    )
    return (), [Note(place.path, f"{why} usd_per_month", todo=True)]


def _of_model(group: Sequence[Deployment]) -> tuple[Pairs, list[Note]]:
    """What all of its deployments may take together: there, one that has reached its own leaves the rest to others."""
    pairs: list[tuple[str, str]] = []
    notes: list[Note] = []
    for setting, theirs, amounts in (
        ("requests_per_minute", "rpm", [each.requests for each in group]),
        ("tokens_per_minute", "tpm", [each.tokens for each in group]),
    ):
        if (total := _sum(amounts)) is not None:
            pairs.append((setting, str(int(total))))
        elif any(amount is not None for amount in amounts):
            notes.append(_partly(group, theirs))
    spent = _sum([each.dollars for each in group])
    if spent is not None and len({each.duration for each in group}) == 1:
        found, more = _dollars(spent, group[0].duration, Note((*group[0].path, "litellm_params", "max_budget"), ""))
        pairs += found
        notes += more
    elif any(each.dollars is not None for each in group):
        notes.append(_partly(group, "max_budget"))
    return tuple(pairs), notes


def _partly(group: Sequence[Deployment], setting: str) -> Note:
    return Note(
        (*group[0].path, "litellm_params", setting),
        f"some deployments of {group[0].name} have it and some have not, or not the same. Limits are of models here,"
        " so none was written: give one under `budget.models` if the provider's own does not do",
        todo=True,
    )


def _sum(amounts: Iterable[float | None]) -> float | None:
    """None where one of them is."""
    total = 0.0
    for amount in amounts:
        if amount is None:
            return None
        total += amount
    return total
