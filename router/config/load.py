"""A policy file -> a plan, or everything that is wrong with the file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from msgspec.structs import replace
from pydantic import TypeAdapter

from router.config.alert_targets import find_broken_targets
from router.config.backend_hosts import find_unreachable
from router.config.bounded_files import read_regular
from router.config.compile import compile_plan
from router.config.cross_references import find_broken
from router.config.decode import WrongShapeError, adapter_of, decode
from router.config.own_detectors import find_unfit
from router.config.presidio_environment import find_uninstalled, find_unsought
from router.config.prices import Prices, context_table, price_table
from router.config.problems import Finding, PolicyError, Problem
from router.config.secret_hosts import find_unbound
from router.config.secrets import find_missing
from router.config.sound_part import sound_part
from router.config.yaml_document import MAX_BYTES, Document, parse
from router.core.policy import Policy
from router.core.values import Plan

__all__ = ["PolicyError", "Problem", "load", "plan_of"]

T = TypeVar("T")


def load(path: str | Path, *, now: datetime | None = None, with_secrets: bool = False) -> Plan:
    """The plan of the policy at `path`, with the prices in force at `now`, the present when left out.

    `with_secrets` asks that every secret the policy names can be resolved, and that what it needs is installed, which
    only serving needs.
    Raises PolicyError with all problems of the file.
    """
    content = read_bytes(path)
    return plan_of(content, str(path), now=now or datetime.now(UTC), with_secrets=with_secrets)


def plan_of(content: bytes, name: str, *, now: datetime, with_secrets: bool = False, with_extras: bool = False) -> Plan:
    """As `load`, for the content of a file; `name` is for messages. `with_extras` asks that what it needs is installed
    here, which `with_secrets` does too."""
    document = parse(text_of(content, name), name)
    findings = find_broken(document.data)
    try:
        policy = decode_document(document, adapter_of(Policy), findings)
    except WrongPolicyError as error:
        more = _of_the_rest(document, error.shape, now, with_secrets=with_secrets)
        raise PolicyError(_problems(document, (*findings, *error.shape, *more))) from None
    prices, found = _looked_at(policy, now, with_secrets=with_secrets)
    extras = find_uninstalled(policy) if with_extras or with_secrets else ()
    raise_if_any(document, (*findings, *found, *find_unsought(policy), *extras))
    return compile_plan(policy, version_of(content), prices, context_table(policy), now)


def _looked_at(policy: Policy, now: datetime, *, with_secrets: bool) -> tuple[Prices, tuple[Finding, ...]]:
    """Prices, and what is wrong that only a policy of the right shape can be asked for."""
    prices, unknown = price_table(policy, now)
    findings = (*unknown, *find_unreachable(policy), *find_unbound(policy))
    findings += (*find_broken_targets(policy), *find_unfit(policy))
    return prices, (*findings, *find_missing(policy)) if with_secrets else findings


def _of_the_rest(
    document: Document, shape: tuple[Finding, ...], now: datetime, *, with_secrets: bool
) -> Iterator[Finding]:
    """The same of all that has the right shape: all problems of a policy are told at once."""
    rest = sound_part(document.data, adapter_of(Policy), shape)
    if rest is not None:
        policy, part = rest
        for finding in _looked_at(policy, now, with_secrets=with_secrets)[1]:
            yield replace(finding, path=part.original(finding.path))


def decode_document(document: Document, adapter: TypeAdapter[T], findings: tuple[Finding, ...] = ()) -> T:
    """The document's data as its type.

    Raises PolicyError with these findings and all that is wrong besides when the data does not have that shape; when
    it has, it is left to `raise_if_any` to raise what was found.
    """
    if document.problems and document.data is None:
        raise PolicyError(document.problems)
    try:
        return decode(document.data, adapter)
    except WrongShapeError as error:
        shape = error.findings
    raise WrongPolicyError(_problems(document, (*findings, *shape)), shape)


class WrongPolicyError(PolicyError):
    """The data does not have its shape; `shape` says where."""

    def __init__(self, problems: Iterable[Problem], shape: tuple[Finding, ...]) -> None:
        super().__init__(problems)
        self.shape = shape


def raise_if_any(document: Document, findings: Iterable[Finding]) -> None:
    """Raises PolicyError with the findings and what was wrong with the document's YAML."""
    problems = _problems(document, findings)
    if problems:
        raise PolicyError(problems)


def _problems(document: Document, findings: Iterable[Finding]) -> list[Problem]:
    # What stands where the YAML was refused was left out of the data, and would be reported as missing.
    refused = {(problem.line, problem.column) for problem in document.problems}
    found = map(document.problem, findings)
    return [*document.problems, *(problem for problem in found if (problem.line, problem.column) not in refused)]


def version_of(content: bytes) -> str:
    """The first 12 hex digits of the content's SHA-256."""
    return hashlib.sha256(content).hexdigest()[:12]


def read_bytes(path: str | Path) -> bytes:
    """The file, or the first bytes of one that is too large. Raises PolicyError when it cannot be read."""
    try:
        return read_regular(path, MAX_BYTES)
    except OSError as error:
        raise PolicyError([Problem(str(path), 0, 0, "", f"cannot be read: {error.strerror}")]) from None


def text_of(content: bytes, name: str) -> str:
    """The content as text. Raises PolicyError when it is too large or not UTF-8."""
    if len(content) > MAX_BYTES:
        raise PolicyError([Problem(name, 0, 0, "", f"larger than {MAX_BYTES} bytes: this is hardly a policy")])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        raise PolicyError([Problem(name, line, column, "", "not UTF-8: save the file as UTF-8 text")]) from None
