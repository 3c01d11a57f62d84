"""YAML text to plain data that remembers where every key and value stands.

Stricter than YAML: duplicate keys and tags are refused, keys are always text (so a zone may be called `no`),
and dates and base-60 numbers stay text. Size, depth and the nodes that aliases expand to are bounded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from msgspec import Struct

from router.config.problems import SECRET_FIELDS, FieldPath, Finding, Problem, field_name

MAX_BYTES = 1_000_000
MAX_DEPTH = 40
MAX_NODES = 100_000
"""After aliases are expanded."""

_LOADER: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"


class Position(Struct, frozen=True):
    line: int
    column: int


class Positions(Struct, frozen=True):
    """Where a value stands, and the key that names it (the value again, for list items)."""

    key: Position
    value: Position


class Document(Struct, frozen=True):
    """`data` holds dicts with text keys, lists, text, numbers, booleans and None."""

    name: str
    """Of the file, for messages."""
    data: Any
    places: Mapping[FieldPath, Positions]
    problems: tuple[Problem, ...] = ()
    """What was wrong so far; `data` leaves those parts out."""

    def problem(self, finding: Finding) -> Problem:
        """The finding with its line. A missing key stands where its parent's key stands."""
        place, found = self._nearest(finding.path)
        position = place.value if found and not finding.on_key else place.key
        return Problem(self.name, position.line, position.column, field_name(finding.path), finding.message)

    def _nearest(self, path: FieldPath) -> tuple[Positions, bool]:
        for length in range(len(path), 0, -1):
            if path[:length] in self.places:
                return self.places[path[:length]], length == len(path)
        return self.places.get((), Positions(Position(1, 1), Position(1, 1))), False


def parse(text: str, name: str, *, merging: bool = False) -> Document:
    """Never raises: a text that is no YAML gives `data` None and the problem.

    Merge keys (`<<`) are refused, or followed where `merging`.
    """
    try:
        _check_depth(text)
        node = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        return Document(name, None, {}, (_syntax_problem(error, name),))
    except yaml.reader.ReaderError as error:
        return Document(name, None, {}, (_reader_problem(error, text, name),))
    except _TooMuchError as error:
        return Document(name, None, {}, (Problem(name, error.line, error.column, "", str(error)),))
    if node is None:
        return Document(name, None, {}, (Problem(name, 1, 1, "", "the file is empty"),))
    return _build(node, name, merging)


class _TooMuchError(Exception):
    def __init__(self, message: str, mark: Any) -> None:
        super().__init__(message)
        self.line, self.column = mark.line + 1, mark.column + 1


def _check_depth(text: str) -> None:
    # Composing recurses in C without a limit, and would end the process instead of raising.
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise _TooMuchError(f"nested more than {MAX_DEPTH} levels deep", event.start_mark)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _build(node: Any, name: str, merging: bool) -> Document:
    builder = _Builder(name, merging)
    try:
        data = builder.value(node, ())
    except _TooMuchError as error:
        return Document(name, None, {}, (Problem(name, error.line, error.column, "", str(error)),))
    builder.places[()] = Positions(_position(node), _position(node))
    return Document(name, data, builder.places, tuple(builder.problems))


class _Builder:
    def __init__(self, name: str, merging: bool) -> None:
        self.name = name
        self._merging = merging
        self.places: dict[FieldPath, Positions] = {}
        self.problems: list[Problem] = []
        self._nodes = 0
        self._scalars = yaml.constructor.SafeConstructor()

    def value(self, node: Any, path: FieldPath) -> Any:
        self._nodes += 1
        if self._nodes > MAX_NODES or len(path) > MAX_DEPTH:
            raise _TooMuchError("aliases (*name) expand to far too much, or to themselves", node.start_mark)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._item(child, (*path, index)) for index, child in enumerate(node.value)]
        return self._scalar(node, path)

    def _item(self, node: Any, path: FieldPath) -> Any:
        self.places[path] = Positions(_position(node), _position(node))
        return self.value(node, path)

    def _mapping(self, node: Any, path: FieldPath) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in self._entries(node, path):
            key_path = (*path, key_node.value)
            if key_path in self.places:
                first = self.places[key_path].key.line
                self._report(key_node, key_path, f"duplicate key; it is already set on line {first}: keep one of them")
                continue
            self.places[key_path] = Positions(_position(key_node), _position(value_node))
            result[key_node.value] = self.value(value_node, key_path)
        return result

    def _entries(self, node: Any, path: FieldPath, depth: int = 0) -> Iterator[tuple[Any, Any]]:
        """Its own first, since they go before those that are merged into it."""
        merged: list[Any] = []
        own: set[str] = set()
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._report(key_node, path, "a key must be plain text, not a list or a mapping")
            elif key_node.tag != _TAG + "merge":
                own.add(key_node.value)
                yield key_node, value_node
            elif self._merging:
                merged += value_node.value if isinstance(value_node, yaml.SequenceNode) else [value_node]
            else:
                self._report(key_node, path, "merge keys (<<) are not supported: write the keys out")
        for each in merged:
            yield from self._merged(each, path, own, depth + 1)

    def _merged(self, node: Any, path: FieldPath, taken: set[str], depth: int) -> Iterator[tuple[Any, Any]]:
        """Those that nobody before has. Adds them to `taken`."""
        if depth > MAX_DEPTH:
            raise _TooMuchError("merge keys (<<) lead to far too much, or to themselves", node.start_mark)
        if not isinstance(node, yaml.MappingNode):
            self._report(node, path, "<< takes keys and values, such as *name of some that stand elsewhere")
            return
        for key_node, value_node in list(self._entries(node, path, depth)):
            if key_node.value not in taken:
                taken.add(key_node.value)
                yield key_node, value_node

    def _scalar(self, node: Any, path: FieldPath) -> Any:
        if node.tag.startswith(_TAG) and node.tag.removeprefix(_TAG) in _CONSTRUCTED | _AS_TEXT:
            return self._scalar_value(node)
        self._report(node, path, "YAML tags (!…) are not supported: write a plain value")
        return None

    def _scalar_value(self, node: Any) -> Any:
        kind = node.tag.removeprefix(_TAG)
        base_60 = kind in ("int", "float") and ":" in node.value
        too_long = kind in ("int", "float") and len(node.value) > _LONGEST_NUMBER
        if kind in _AS_TEXT or base_60 or too_long:
            return node.value
        try:
            return getattr(self._scalars, f"construct_yaml_{kind}")(node)
        except (ValueError, KeyError):  # "0b_" looks like a number to YAML; "!!bool maybe" claims to be one
            return node.value

    def _report(self, node: Any, path: FieldPath, message: str) -> None:
        position = _position(node)
        # Below a secret field even the names of keys may be secret.
        hidden = next((index for index, step in enumerate(path) if step in SECRET_FIELDS), len(path))
        field = field_name(path[: hidden + 1])
        self.problems.append(Problem(self.name, position.line, position.column, field, message))


_CONSTRUCTED = frozenset({"null", "bool", "int", "float"})
_AS_TEXT = frozenset({"str", "timestamp", "value"})
_LONGEST_NUMBER = 40
"""Characters. What is longer is no number of a policy, and neither float nor str take any whole number of Python."""


def _position(node: Any) -> Position:
    return Position(node.start_mark.line + 1, node.start_mark.column + 1)


_PLAIN_WORDS = {
    "mapping values are not allowed in this context": (
        "a ': ' where none can be; check the indentation, and put text that contains ': ' in quotes"
    ),
    "found character that cannot start any token": (
        "a character that cannot stand here: a tab used for indentation (use spaces), "
        "or text that starts with @, ` or % (put it in quotes)"
    ),
    "found undefined alias": "* begins an alias, and there is no such anchor; put text that starts with * in quotes",
    "but found another document": "a second document begins here (---); the file must hold one",
    "found unexpected end of stream": "the text that begins here is never closed: add the missing quote",
    "did not find expected ',' or ']'": (
        "the list that begins here is never closed (add the missing ]), or a text in it needs quotes"
    ),
    "did not find expected ',' or '}'": (
        "the mapping that begins here is never closed (add the missing }), or a text in it needs quotes"
    ),
}
_NEVER_CLOSED = ("found unexpected end of stream", "did not find expected ',' or")


def _syntax_problem(error: Any, name: str) -> Problem:
    problem = str(error.problem or "")
    if problem.startswith(_NEVER_CLOSED) and error.context_mark is not None:
        mark = error.context_mark
    else:
        mark = error.problem_mark or error.context_mark
    # The parser's own words may quote the text, which may be a secret: only sentences known to be safe are used.
    safe = problem if _quotes_nothing(problem) else "this is not valid YAML"
    message = _PLAIN_WORDS.get(
        problem, f"not valid YAML: {safe}; check indentation, brackets and quotes here and above"
    )
    return Problem(name, mark.line + 1, mark.column + 1, "", message)


def _quotes_nothing(problem: str) -> bool:
    return problem.startswith(("did not find expected", "could not find expected", "block sequence entries"))


def _reader_problem(error: Any, text: str, name: str) -> Problem:
    before = text[: error.position]
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    return Problem(name, line, column, "", "a control character; remove it (is this a text file?)")
