"""What `setup.py` compiles holds nothing that mypyc cannot; a build of it takes minutes, and this does not."""

from __future__ import annotations

import ast
import runpy
from collections.abc import Iterator

import pytest
from support.sources import ROOT, found_in, parsed


def _modules() -> list[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("setuptools.setup", lambda **options: None)
        patch.chdir(ROOT)
        patch.delenv("BREAKEVEN_COMPILE", raising=False)
        return list(runpy.run_path(str(ROOT / "setup.py"))["modules"]())


MODULES = _modules()


def _own(function: ast.AsyncFunctionDef) -> Iterator[ast.AST]:
    """What stands in it, but for functions inside."""
    rest = list(function.body)
    while rest:
        node = rest.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            rest += ast.iter_child_nodes(node)


BUILT_IN = {"ConnectionError", "OSError", "TimeoutError", "bytes", "float", "int", "list", "set", "str", "tuple"}


def test_the_hot_path_is_among_them():
    hot = {"router/surfaces/sse.py", "router/gateway/http_connection.py", "router/upstream/connection.py"}
    assert hot <= set(MODULES)


def imports_models(source: str) -> bool:
    """Whether it has to do with pydantic: its models are made from annotations, which mypyc does not keep."""
    imported = [each for each in ast.walk(parsed(source)) if isinstance(each, ast.Import | ast.ImportFrom)]
    names = [each.module or "" if isinstance(each, ast.ImportFrom) else each.names[0].name for each in imported]
    return any(name.partition(".")[0] == "pydantic" for name in names)


def test_no_models_of_settings():
    found = [module for module in MODULES if imports_models((ROOT / module).read_text())]
    assert not found, "name it under NOT_COMPILED in setup.py"


def test_such_models_are_recognised():
    assert imports_models("from pydantic import Field") and imports_models("import pydantic.fields")
    assert not imports_models("from router.core.policy import Policy")


def asynchronous_generators(source: str) -> list[str]:
    functions = [each for each in ast.walk(parsed(source)) if isinstance(each, ast.AsyncFunctionDef)]
    return [each.name for each in functions if any(isinstance(node, ast.Yield) for node in _own(each))]


def test_no_asynchronous_generators():
    assert found_in(MODULES, asynchronous_generators) == {}, "mypyc has none: put them into a module of their own"


def test_asynchronous_generators_are_recognised():
    assert asynchronous_generators("async def f():\n for a in b: yield a") == ["f"]
    assert asynchronous_generators("async def f():\n def g(): yield 1\n return g") == []


def foreign_bases(source: str) -> list[str]:
    """What classes inherit that compiled ones cannot."""
    classes = [each for each in ast.walk(parsed(source)) if isinstance(each, ast.ClassDef)]
    bases = [ast.unparse(base) for each in classes for base in each.bases]
    return [base for base in bases if base in BUILT_IN or (base.startswith("asyncio.") and base.endswith("Protocol"))]


def test_no_protocol_inherits_asyncios_and_no_built_in_type_is_inherited_that_cannot_be():
    assert found_in(MODULES, foreign_bases) == {}


def test_foreign_bases_are_recognised():
    assert foreign_bases("class A(asyncio.Protocol): ...\nclass B(int): ...") == ["asyncio.Protocol", "int"]
    assert foreign_bases("class A(Struct): ...\nclass B(Protocol): ...") == []


def caught_twice(source: str) -> list[str]:
    """Names under which one function catches two kinds of error."""
    found = []
    for function in ast.walk(parsed(source)):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            kinds: dict[str, set[str]] = {}
            for node in ast.walk(function):
                if isinstance(node, ast.ExceptHandler) and node.name and node.type is not None:
                    kinds.setdefault(node.name, set()).add(ast.unparse(node.type))
            found += [f"{function.name}: {name}" for name, types in kinds.items() if len(types) > 1]
    return found


def test_a_name_is_for_one_kind_of_error():
    found = found_in(MODULES, caught_twice)
    assert not found, "mypyc takes the second kind for the first, and raises a TypeError"


def test_names_of_two_kinds_are_recognised():
    two = "def f():\n try: g()\n except A as e: h()\n except B as e: h()"
    assert caught_twice(two) == ["f: e"]
    assert caught_twice(two.replace("B as e", "B as b")) == []


def nothing_in_a_tuple(source: str) -> list[str]:
    """Names that are None at first, by an assignment of several at once."""
    return [
        name.id
        for node in ast.walk(parsed(source))
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple)
        for target in node.targets
        if isinstance(target, ast.Tuple)
        for name, value in zip(target.elts, node.value.elts, strict=False)
        if isinstance(name, ast.Name) and isinstance(value, ast.Constant) and value.value is None
    ]


def test_what_may_be_none_says_so_where_it_is_made():
    found = found_in(MODULES, nothing_in_a_tuple)
    assert not found, "mypyc takes it for what is assigned later, and raises a TypeError where it is still None"


def test_none_among_several_is_recognised():
    assert nothing_in_a_tuple("slot, hold = take(), None") == ["hold"]
    assert nothing_in_a_tuple("slot = None\na, b = pair()") == []


def nothing_in_a_finally(source: str) -> list[str]:
    """Names that the end of a `try` compares with None, which they are until something was awaited in it."""
    return [
        ast.unparse(tested.left)
        for attempt in ast.walk(parsed(source))
        if isinstance(attempt, ast.Try)
        for tested in ast.walk(ast.Module(attempt.finalbody, []))
        if isinstance(tested, ast.Compare) and ast.unparse(tested.comparators[0]) == "None"
        if ast.unparse(tested.left) in _awaited_in(attempt)
    ]


def _awaited_in(attempt: ast.Try) -> set[str]:
    return {
        ast.unparse(target)
        for node in ast.walk(ast.Module(attempt.body, []))
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Await)
        for target in node.targets
    }


def test_what_a_coroutine_ends_with_is_known_to_be_there():
    found = found_in(MODULES, nothing_in_a_finally)
    assert not found, "mypyc takes it for what the try has made of it, and raises a TypeError where that has not come"


def test_a_finally_that_asks_is_recognised():
    asks = "async def f():\n a = None\n try: a = await g()\n finally:\n  if a is not None: a.end()"
    assert nothing_in_a_finally(asks) == ["a"]
    assert nothing_in_a_finally(asks.replace("await ", "")) == []


def inherited_from(source: str, compiled: set[str]) -> list[str]:
    """Classes in a module that is not compiled whose base is one of a module that is."""
    tree = parsed(source)
    origins = {
        alias.asname or alias.name: f"{node.module.replace('.', '/')}.py"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    return [
        f"{each.name}({name})"
        for each in classes
        for name in map(ast.unparse, each.bases)
        if origins.get(name) in compiled and not _may_be_inherited((ROOT / origins[name]).read_text(), name)
    ]


def _may_be_inherited(source: str, name: str) -> bool:
    """mypyc lets interpreted classes inherit from protocols, from enumerations, from errors and where it is told to."""
    found = next((each for each in parsed(source).body if isinstance(each, ast.ClassDef) and each.name == name), None)
    if found is None:
        return True
    bases = " ".join(map(ast.unparse, found.bases))
    told = " ".join(map(ast.unparse, found.decorator_list))
    return any(word in bases for word in ("Protocol", "Enum", "Error", "Exception")) or "allow_interpreted" in told


def test_what_is_not_compiled_inherits_from_nothing_that_is():
    compiled = set(MODULES)
    interpreted = sorted({str(path.relative_to(ROOT)) for path in (ROOT / "router").rglob("*.py")} - compiled)
    found = found_in(interpreted, lambda source: inherited_from(source, compiled))
    assert not found, "a Struct beside it keeps a module from being compiled: put it into one of its own"


def test_such_an_heir_is_recognised():
    source = "from router.surfaces.openai.reads_only import ReadsOnly\nclass Rerank(ReadsOnly): ..."
    assert inherited_from(source, set(MODULES)) == ["Rerank(ReadsOnly)"]
