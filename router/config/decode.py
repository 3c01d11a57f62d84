"""Data -> frozen types, with every finding of pydantic put in plain words and at its place.

pydantic names a location by keys and indexes, and by the branch of a union where there is one. The JSON Schema of
the same types is walked along with it: it tells branches from keys, and knows the permitted keys and examples.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from functools import cache
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from router.config.error_wording import Node, Spot, finding_on, tag_name, tags
from router.config.problems import MOST_PROBLEMS, FieldPath, Finding, closest
from router.config.schema import annotated

T = TypeVar("T")


class WrongShapeError(Exception):
    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__(findings)
        self.findings = findings


def adapter_of(form: type[T]) -> TypeAdapter[T]:
    """Makes what validates a form once in a process: that takes a tenth of a second for a whole policy."""
    made: TypeAdapter[T] = _made_adapter(cast("Any", form))
    return made


@cache
def _made_adapter(form: Any) -> TypeAdapter[Any]:
    made = TypeAdapter(form)
    made.rebuild()
    return made


def decode(data: Any, adapter: TypeAdapter[T]) -> T:
    """The data as its type. Raises WrongShapeError with everything that is wrong with it.

    Checks that span a section run only when all its keys are known, so it is decoded again without the unknown
    ones: all problems are then found at once.
    """
    try:
        return adapter.validate_python(data)
    except ValidationError as error:
        schema = annotated(adapter.json_schema())
        spots = [spot for spot in _spots(error, schema, data) if not spot.other_branch]
    findings = dict.fromkeys(_findings(spots))
    try:
        adapter.validate_python(_repaired(data, spots))
    except ValidationError as error:
        again = [spot for spot in _spots(error, schema, data) if not spot.other_branch]
        findings.update(dict.fromkeys(_findings(again, spots)))
    raise WrongShapeError(tuple(findings))


def _spots(error: ValidationError, schema: Node, data: Any) -> Iterator[Spot]:
    # One more than are shown, so that it shows that there are more: each costs a search for what was meant.
    for item in error.errors(include_url=False)[: MOST_PROBLEMS + 1]:
        yield _walk(item, schema, data)


def _walk(item: Any, schema: Node, data: Any) -> Spot:
    path: FieldPath = ()
    node = parent = _resolve(schema, schema)
    in_union = other_branch = on_key = False
    for step in item["loc"]:
        if step == "[key]" and item["type"].startswith("string_") and path[-1:] == (item["input"],):
            on_key = True  # pydantic's mark for a name that is wrong, not a key that is called so
        elif _branches(node):
            branch = _branch(node, step, schema)
            in_union = in_union or "discriminator" not in node
            other_branch = other_branch or (in_union and _is_section(branch) != isinstance(_get(data, path), dict))
            node = branch
        else:
            path, parent, node = (*path, step), node, _resolve(_child(node, step), schema)
            in_union = False
    context = item.get("ctx", {})
    return Spot(
        type=item["type"],
        path=path,
        on_key=on_key,
        node=node,
        parent=parent,
        value=item["input"],
        context=context,
        in_union=in_union,
        other_branch=other_branch,
    )


def _resolve(node: Node, schema: Node) -> Node:
    """Follows references, and takes `X` for `X | None`; the examples of the field stay."""
    options = [option for option in node.get("anyOf", ()) if option.get("type") != "null"]
    if len(options) == 1:
        return {**_resolve(options[0], schema), **{key: node[key] for key in ("examples",) if key in node}}
    reference = node.get("$ref")
    if reference is None:
        return node
    return {**_resolve(schema["$defs"][reference.rpartition("/")[2]], schema), **node, "$ref": None}


def _branches(node: Node) -> bool:
    """Not where a section says which of its keys it needs."""
    return "properties" not in node and ("oneOf" in node or "anyOf" in node)


def _branch(node: Node, step: object, schema: Node) -> Node:
    if "discriminator" in node:
        return _resolve({"$ref": node["discriminator"]["mapping"][step]}, schema)
    text = {"type": "string"}
    return text if step in ("str", "constrained-str") else _resolve({"$ref": f"#/$defs/{step}"}, schema)


def _is_section(node: Node) -> bool:
    return bool(node.get("type") == "object")


def _child(node: Node, step: object) -> Node:
    child: Node | None = node.get("properties", {}).get(step)
    if child is None and isinstance(step, int):
        child = node.get("items")
    if child is None:
        child = next(iter(node.get("patternProperties", {}).values()), None)
    return child if isinstance(child, Mapping) else {}


def _get(data: Any, path: FieldPath) -> Any:
    for step in path:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def _repaired(data: Any, spots: Iterable[Spot]) -> Any:
    """A copy without the unknown keys, and with a misspelt kind or driver put right."""
    copy = deepcopy(data)
    for spot in spots:
        if spot.type == "extra_forbidden":
            _get(copy, spot.path[:-1]).pop(spot.path[-1], None)
        elif spot.type == "union_tag_invalid":
            meant = closest(spot.context["tag"], tags(spot))
            _get(copy, spot.path).update({tag_name(spot): meant} if meant else {})
    return copy


def _findings(spots: Iterable[Spot], earlier: Iterable[Spot] = ()) -> Iterator[Finding]:
    spots = list(spots)
    unknown = [spot for spot in (*earlier, *spots) if spot.type == "extra_forbidden"]
    meant = {(*spot.path[:-1], closest(spot.path[-1], spot.parent.get("properties", ()))) for spot in unknown}
    for spot in spots:
        misspelt = spot.type == "missing" and spot.path in meant
        # A list of wrong items counts as empty to pydantic.
        items_wrong = spot.type == "too_short" and bool(spot.value)
        if not misspelt and not items_wrong:
            yield finding_on(spot)
