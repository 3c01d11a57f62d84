"""The reference of docs/policy.md, made from the schema that `breakeven schema` prints, and from that of cases.

`make docs` writes it between its two markers; a test fails while the file and the schema differ.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from router.config.cases import Case
from router.config.schema import policy_schema

BEGIN = "<!-- reference: begin (made by `make docs`) -->"
END = "<!-- reference: end -->"
_Schema = dict[str, Any]


@dataclass(frozen=True)
class Setting:
    """One line of the policy file: `path` has NAME for names that the policy gives, and [] for lists."""

    path: str
    values: str
    default: str
    description: str
    kinds: tuple[str, ...] = ()
    """Kinds of backend, or drivers, that have it, where not all do."""

    @property
    def section(self) -> str:
        return self.path.rpartition(".")[0]


def settings() -> list[Setting]:
    """Every setting of the policy file, section by section."""
    schema = policy_schema()
    return list(_settings_of(schema, "", schema["$defs"]))


def settings_of(schema: _Schema, prefix: str = "") -> list[Setting]:
    """Every setting of a file of that schema."""
    return list(_settings_of(schema, prefix, schema.get("$defs", {})))


def _settings_of(section: _Schema, prefix: str, defs: _Schema) -> Iterator[Setting]:
    inner: dict[str, _Schema] = {}
    some = [name for group in section.get("anyOf", ()) for name in group["required"]]
    for name, field in section["properties"].items():
        path = f"{prefix}{name}"
        required = "**required**" if name in section.get("required", ()) else "**one required**" * (name in some)
        yield Setting(path, _with_example(field), required or _default(field), field.get("description", ""))
        inner |= _sections_in(field, path, defs)
    for path, variants in inner.items():
        tag = _tag(variants)
        yield from _merged(
            [list(_settings_of(one, f"{path}.", defs)) for one in variants],
            f"{path}.{tag}",
            [one["properties"].get(tag, {}).get("const", "") for one in variants],
        )


def _sections_in(field: _Schema, path: str, defs: _Schema) -> dict[str, list[_Schema]]:
    """Sections below a field, by their path; a backend has one per kind, its power one per driver."""
    if "$ref" in field:
        return {path: [defs[field["$ref"].rpartition("/")[2]]]}
    if "oneOf" in field:
        return {path: [section for one in field["oneOf"] for section in _sections_in(one, path, defs)[path]]}
    found: dict[str, list[_Schema]] = {}
    for one in field.get("anyOf", ()):
        found |= _sections_in(one, path, defs)
    if isinstance(field.get("items"), dict):
        found |= _sections_in(field["items"], f"{path}[]", defs)
    for one in _named(field):
        found |= _sections_in(one, f"{path}.NAME", defs)
    return found


def _named(field: _Schema) -> list[_Schema]:
    """Schemas of the values of a mapping whose names the policy gives."""
    additional = field.get("additionalProperties")
    return [*field.get("patternProperties", {}).values(), *([additional] if isinstance(additional, dict) else [])]


def _tag(variants: list[_Schema]) -> str:
    """The setting by which the sections of a union are told apart."""
    constant = [{name for name, field in one["properties"].items() if "const" in field} for one in variants]
    return next(iter(set.intersection(*constant)), "") if len(variants) > 1 else ""


def _merged(variants: list[list[Setting]], tag: str, kinds: list[str]) -> Iterator[Setting]:
    """The settings of all variants, each once, with the kinds that have it unless all do."""
    merged: dict[str, tuple[Setting, list[str]]] = {}
    told: list[str] = []
    for variant, kind in zip(variants, kinds, strict=True):
        for setting in variant:
            merged.setdefault(setting.path, (setting, []))[1].append(kind)
            if setting.path == tag:
                told.append(f"`{kind}`: {setting.description}")
    for setting, having in merged.values():
        if setting.path == tag:
            yield Setting(setting.path, ", ".join(f"`{kind}`" for kind in kinds), setting.default, " ".join(told))
        else:
            some = tuple(having) if len(having) < len(kinds) else setting.kinds
            yield Setting(setting.path, setting.values, setting.default, setting.description, some)


def _with_example(field: _Schema) -> str:
    values, examples = _values(field), field.get("examples", [])
    return f"{values}, such as `{examples[0]}`" if values == "text" and examples else values


def _values(field: _Schema) -> str:
    """What may stand there, in words: "number, 0 to 1"."""
    for alternatives in ("anyOf", "oneOf"):
        if alternatives in field:
            words = [_values(one) for one in field[alternatives] if one.get("type") != "null"]
            return " or ".join(dict.fromkeys(words))
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "const" in field:
        return f"`{field['const']}`"
    if "$ref" in field:
        return "section"
    return _typed(field)


def _typed(field: _Schema) -> str:
    match field.get("type"):
        case "array":
            items = field.get("items", {})
            return "list of sections" if "$ref" in items else f"list of {_values(items)}"
        case "object":
            values = " or ".join(_values(value) for value in _named(field))
            if not values:
                return "any fields"
            return "sections by name" if values == "section" else f"{values} by name"
        case "string" if "ms|s|m|h" in field.get("pattern", ""):
            return "duration"
        case "string":
            return "text"
        case kind:
            return f"{kind}{_bounds(field)}"


def _bounds(field: _Schema) -> str:
    low, high = field.get("minimum"), field.get("maximum")
    if low is not None and high is not None:
        return f", {low} to {high}"
    if "exclusiveMaximum" in field:
        return f", {low} to below {field['exclusiveMaximum']}"
    if "exclusiveMinimum" in field:
        return f", above {field['exclusiveMinimum']}" + ("" if high is None else f", up to {high}")
    return "" if low is None else f", {low} or more"


def _default(field: _Schema) -> str:
    default = field.get("default")
    if default is None or default in ([], {}):
        return ""
    if isinstance(default, dict):
        return ""
    if isinstance(default, list):
        return f"`[{', '.join(map(str, default))}]`"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def reference() -> str:
    """That of the policy, and of one case in a cases file."""
    return tables(settings() + settings_of(TypeAdapter(Case).json_schema(), "cases[]."))


def tables(found: Iterable[Setting]) -> str:
    """The settings as Markdown: one table per section; a section that is like an earlier one only says so."""
    sections: dict[str, list[Setting]] = {}
    for setting in found:
        sections.setdefault(setting.section, []).append(setting)
    first: dict[tuple[str, ...], str] = {}
    alike = {section: first.setdefault(tuple(map(_row, rows)), section) for section, rows in sections.items()}
    repeated = tuple(f"{section}." for section, same in alike.items() if same != section)
    shown = {section: rows for section, rows in sections.items() if not section.startswith(repeated)}
    return "\n".join(
        _table(section, rows) if alike[section] == section else f"### `{section}`\n\nThe same as `{alike[section]}`.\n"
        for section, rows in shown.items()
    )


def _table(section: str, rows: list[Setting]) -> str:
    title = f"`{section}`" if section else "Top level"
    return "\n".join(
        (f"### {title}\n", "| setting | values | default | meaning |", "|---|---|---|---|", *map(_row, rows), "")
    )


def _row(setting: Setting) -> str:
    only = f"Only for {' and '.join(setting.kinds)}. " if setting.kinds else ""
    meaning = (only + setting.description).replace("|", "\\|").replace("\n", " ").strip()
    cells = (f"`{setting.path.rpartition('.')[2]}`", setting.values, setting.default, meaning)
    return f"| {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |")


def with_reference(document: str, made: str = "") -> str:
    """The document with everything between the markers made anew."""
    made = made or reference()
    between = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
    return between.sub(lambda _: f"{BEGIN}\n\n{made}\n{END}", document)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        Path(name).write_text(with_reference(Path(name).read_text()))
