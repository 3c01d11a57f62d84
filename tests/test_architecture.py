"""What keeps the tree readable and no linter checks: a pure core, no hidden state, mirrored tests."""

from __future__ import annotations

import ast
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from support.sources import ROOT, found_in, parsed

SOURCES = sorted(path.relative_to(ROOT) for path in (ROOT / "router").rglob("*.py"))
TESTS = sorted(path.relative_to(ROOT) for path in (ROOT / "tests").rglob("*.py"))
CORE = [path for path in SOURCES if path.parts[1] == "core"]
MUTATORS = {"add", "append", "clear", "discard", "extend", "insert", "pop", "popitem", "remove", "setdefault", "update"}
CONTAINERS = {"dict", "list", "set", "bytearray", "defaultdict", "deque", "Counter", "OrderedDict"}


def _called(node: ast.AST) -> str:
    """The last name of what a call calls: "deque" for collections.deque(...)."""
    if not isinstance(node, ast.Call):
        return ""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _assigned(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Names that a module binds when it is imported, with their values."""
    for node in tree.body:
        match node:
            case ast.Assign(targets=targets, value=value):
                yield from ((target.id, value) for target in targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                yield name, value


def _is_container(value: ast.expr) -> bool:
    displays = (ast.Dict, ast.List, ast.Set, ast.DictComp, ast.ListComp, ast.SetComp)
    return isinstance(value, displays) or _called(value) in CONTAINERS


def _changed_names(tree: ast.Module) -> set[str]:
    """Names whose contents a module changes somewhere: name[...] = , del name[...], name.append(...)."""
    changed = set()
    for node in ast.walk(tree):
        match node:
            case ast.Subscript(value=ast.Name(id=name), ctx=ast.Store() | ast.Del()):
                changed.add(name)
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=method)) if method in MUTATORS:
                changed.add(name)
    return changed


def hidden_state(source: str) -> list[str]:
    """Module-level containers that are not named as constants, or are changed although they are."""
    tree = parsed(source)
    changed = _changed_names(tree)
    containers = [name for name, value in _assigned(tree) if _is_container(value)]
    return [name for name in containers if name != "__all__" and (name != name.upper() or name in changed)]


def impurities(source: str) -> list[str]:
    """Awaits, clock readings and I/O that no import gives away."""
    found = []
    for node in ast.walk(parsed(source)):
        if isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith):
            found.append(f"line {node.lineno}: async")
        elif _called(node) in {"now", "utcnow", "today", "open", "print", "input"}:
            found.append(f"line {node.lineno}: {_called(node)}()")
    return found


def test_no_module_holds_state() -> None:
    assert found_in(SOURCES, hidden_state) == {}


def test_hidden_state_is_recognised() -> None:
    assert hidden_state("cache = {}") == ["cache"]
    assert hidden_state("from collections import deque\nRECENT = deque()\ndef f(): RECENT.append(1)") == ["RECENT"]
    assert hidden_state("TABLE: dict[str, int] = {'a': 1}\ndef f(): TABLE['b'] = 2") == ["TABLE"]
    assert hidden_state("TABLE = {'a': 1}\n__all__ = ['TABLE']\ndef f():\n    local = []\n    local.append(1)") == []


def test_core_is_pure() -> None:
    assert found_in(CORE, impurities) == {}


def test_impurity_is_recognised() -> None:
    assert impurities("async def f(): ...") == ["line 1: async"]
    assert impurities("from datetime import datetime\nday = datetime.now(tz)") == ["line 2: now()"]
    assert impurities("def f(now): return now") == []


def _named(tree: ast.Module) -> Iterator[str]:
    """Modules, and what may be modules, that one imports anywhere: in functions and for types alone, too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def circles(sources: Mapping[str, str]) -> list[list[str]]:
    """Modules, given by name with their text, that import one another; each circle once, beginning anywhere."""
    imports = {
        name: {each if each in sources else each.rpartition(".")[0] for each in _named(parsed(source))} - {name}
        for name, source in sources.items()
    }
    done: set[str] = set()
    found: list[list[str]] = []

    def visit(name: str, trail: list[str]) -> None:
        if name in trail:
            found.append(trail[trail.index(name) :])
        elif name in sources and name not in done:
            for each in sorted(imports[name]):
                visit(each, [*trail, name])
            done.add(name)

    for name in sorted(sources):
        visit(name, [])
    return found


def _module(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def test_no_modules_import_one_another() -> None:
    assert circles({_module(path): (ROOT / path).read_text() for path in SOURCES}) == []


def test_circles_are_recognised() -> None:
    whole = {"r.a": "from r import b", "r.b": "def f():\n    import r.c", "r.c": "from r.a import A", "r": ""}
    assert circles(whole) == [["r.a", "r.b", "r.c"]]
    types = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from r.b import B"
    assert circles({"r.a": types, "r.b": "from r.a import A"}) == [["r.a", "r.b"]]
    assert circles({"r.a": "from r.b import B", "r.b": "import r.c", "r.c": "import os"}) == []


def namesakes(source: str) -> Iterator[str]:
    """Names in a module that hide the package."""
    for node in ast.walk(parsed(source)):
        match node:
            case ast.Name(id="router", ctx=ast.Store()) | ast.arg(arg="router"):
                yield f"line {node.lineno}"


def test_nothing_is_named_like_the_package() -> None:
    assert found_in(SOURCES, namesakes) == {}


def test_namesakes_are_recognised() -> None:
    assert list(namesakes("from router import core\nrouter = core\ndef f(router): ...")) == ["line 2", "line 3"]


DIALECT = re.compile(
    r"""
    \b(choices|max_tokens|max_completion_tokens|stream_options|include_usage|continuous_usage_stats|prompt_tokens
      |completion_tokens|finish_reason|system_fingerprint|cache_control|chat/completions|event-stream)\b
    | [\[(]["']messages["'] | ["'](delta|tool_calls)["'] | \[DONE] | gpt- | openai- | anthropic- | x-ratelimit-
    """,
    re.VERBOSE,
)
"""Words of what providers and their clients say. Their names are not among them: `openai` is a kind of backend in the
policy, and detectors say whose the credentials are that they find."""
NO_DIALECT = [path for path in SOURCES if path.parts[1] in ("core", "gateway")]


def words_of_a_dialect(source: str) -> list[str]:
    lines = enumerate(source.splitlines(), 1)
    return [f"line {number}: {line.strip()}" for number, line in lines if DIALECT.search(line)]


def test_core_and_gateway_speak_no_dialect() -> None:
    assert found_in(NO_DIALECT, words_of_a_dialect) == {}, "it belongs into router/surfaces"


@pytest.mark.parametrize("text", ['fields["messages"]', "a smaller max_tokens", "b'[DONE]'", "/v1/chat/completions"])
def test_a_dialect_is_recognised(text: str) -> None:
    assert DIALECT.search(text)
    assert not DIALECT.search('kind: Literal["openai"]; max_output_tokens; body_messages')


_DECIDES = (ast.If, ast.IfExp, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.Match, ast.BoolOp, ast.comprehension)


def has_logic(source: str) -> bool:
    """Whether a function of the module decides or repeats something; the others only put things together."""
    functions = [node for node in ast.walk(parsed(source)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return any(isinstance(node, _DECIDES) for function in functions for node in ast.walk(function))


def _test_of(path: Path) -> Path:
    name = "main" if path.stem == "__main__" else path.stem
    return ROOT.joinpath("tests", *path.parts[1:-1], f"test_{name}.py")


def test_every_module_with_logic_has_its_test_where_one_looks_for_it() -> None:
    modules = [path for path in SOURCES if path.name != "__init__.py"]
    wanted = [path for path in modules if path.parts[1] == "core" or has_logic((ROOT / path).read_text())]
    assert len(wanted) > 300
    assert [str(path) for path in wanted if not _test_of(path).exists()] == []


def test_logic_is_recognised() -> None:
    assert has_logic("def f(a):\n    return 1 if a else 2")
    assert has_logic("class A:\n    async def f(self):\n        return [each async for each in self]")
    assert not has_logic("LIMIT = 5\nclass A:\n    def f(self):\n        return LIMIT")


@pytest.mark.parametrize("package", sorted({path.parts[1] for path in SOURCES if len(path.parts) > 2}))
def test_every_package_has_tests_where_one_looks_for_them(package: str) -> None:
    assert list((ROOT / "tests" / package).rglob("test_*.py"))


MANY_BY_PLACE = {
    "router/ledger/reports/record_reader.py: self.ask": "the words of one command to the server",
    "router/ledger/audit.py: ask": "the words of one command to the server",
}
"""Calls with more than six arguments that only their places name, and why. A name costs nothing where both sides are
compiled, and 2 or 3 ns where a Struct is made; beyond 15 of them Python makes a dictionary, for a microsecond."""


def by_place(source: str) -> list[str]:
    """What is called with more than six arguments that have no name."""
    calls = [node for node in ast.walk(parsed(source)) if isinstance(node, ast.Call)]
    return [ast.unparse(each.func) for each in calls if sum(not isinstance(arg, ast.Starred) for arg in each.args) > 6]


def test_many_arguments_have_names() -> None:
    found = {f"{path}: {name}" for path, names in found_in(SOURCES, by_place).items() for name in names}
    assert found == set(MANY_BY_PLACE)


def test_arguments_without_names_are_counted() -> None:
    assert by_place("f(1, 2, 3, 4, 5, 6)\ng(1, 2, 3, 4, 5, 6, seven=7)") == []
    assert by_place("f(1, 2, 3, 4, 5, 6, *words)") == []
    assert by_place("a.f(1, 2, 3, 4, 5, 6, g(*all))") == ["a.f"]


def shared_ports(source: str) -> list[str]:
    """Commands written out as lists that start a gateway and leave it a port which another program may have."""
    found = []
    for node in ast.walk(ast.parse(source)):
        words = {item.value for item in getattr(node, "elts", ()) if isinstance(item, ast.Constant)}
        program, command = words & {"-m", "breakeven", "router"}, words & {"serve", "demo"}
        if isinstance(node, ast.List | ast.Tuple) and program and command and not {"--port", "--admin-port"} <= words:
            found.append(f"line {node.lineno}")
    return found


def test_a_gateway_that_runs_beside_the_tests_is_in_nobodys_way() -> None:
    assert found_in(TESTS, shared_ports) == {}


def test_shared_ports_are_recognised() -> None:
    assert shared_ports('[sys.executable, "-m", "router", "serve", "--port", "0"]') == ["line 1"]
    assert shared_ports('["breakeven", "demo"]\n') == ["line 1"]
    assert shared_ports('run("-m", "router", "serve", "--port", "0", "--admin-port", "0")') == []
    assert shared_ports('["router", "demo", "--admin-port", "0", "--port", "0"]') == []


CLIENT = re.compile(
    r"\b(ClientSession|urlopen|build_opener)\(|^ *(import|from) (requests|httpx|urllib3)( import|[.\n])", re.MULTILINE
)
NO_REDIRECT = re.compile(r"""\b(allow|follow)_redirects["']?\s*[=:]\s*False|, _NoRedirects\)""")
NO_PROXY = re.compile(r"\btrust_env\s*=\s*False|ProxyHandler\(\{\}\)")


def roaming(source: str) -> list[str]:
    """What a module's HTTP clients leave to servers or to the environment: as many have to refuse it as are made."""
    clients = len(CLIENT.findall(source))
    refusals = {"redirects": NO_REDIRECT, "proxies": NO_PROXY}
    return [what for what, refusal in refusals.items() if len(refusal.findall(source)) < clients]


def test_no_client_of_ours_is_sent_elsewhere() -> None:
    """What is restricted would go with it. Requests of workers and probes are not among them: `upstream` knows neither
    redirects nor proxies but the policy's."""
    assert found_in(SOURCES, roaming) == {}
    assert len([path for path in SOURCES if CLIENT.search((ROOT / path).read_text())]) > 5


def test_what_roams_is_recognised() -> None:
    assert roaming("ClientSession(trust_env=False).get(url, allow_redirects=False)") == []
    assert roaming("ClientSession(trust_env=False).get(url)") == ["redirects"]
    assert roaming("ClientSession().get(url, allow_redirects=False)") == ["proxies"]
    assert roaming("import httpx\nhttpx.get(url)") == roaming("urlopen(url)") == ["redirects", "proxies"]


def test_every_test_ends(pytestconfig: pytest.Config) -> None:
    """What hangs in one is told with its stack, and does not hold up all others for ever."""
    assert pytestconfig.pluginmanager.hasplugin("timeout")
    assert 0 < float(pytestconfig.getini("timeout")) <= 300


def _locked(name: str) -> dict[str, str]:
    """Versions in a lock, by name."""
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / "locks" / f"{name}.txt").read_text(), re.MULTILINE))


def _wanted(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=!]", requirement)[0].lower() for requirement in requirements}


def test_the_locks_have_what_the_project_declares() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    dependencies = _wanted(project["project"]["dependencies"])
    groups = {name: _wanted(requirements) for name, requirements in project["dependency-groups"].items()}
    assert dependencies | groups["build"] <= _locked("run").keys()
    assert dependencies | groups["build"] | groups["test"] <= _locked("test").keys()
    assert dependencies | groups["build"] <= _locked("adapter").keys()
    assert _locked("adapter")["litellm"] == "1.106.2"
    assert dependencies | _wanted(project["project"]["optional-dependencies"]["otel"]) <= _locked("otel").keys()
    assert dependencies | _wanted(project["project"]["optional-dependencies"]["alerts"]) <= _locked("alerts").keys()


def test_environments_agree_on_what_they_share() -> None:
    for other in ("test", "adapter", "otel", "alerts"):
        assert _locked("run").items() <= _locked(other).items()
    assert _locked("otel").items() | _locked("alerts").items() <= _locked("test").items()


# The one-letter classes keep these patterns from finding themselves.
FORBIDDEN = {
    "a path of one machine": re.compile(r"/[w]ork/|/[f]arm/|/[r]oot/"),
    "a package registry's host": re.compile(r"[p]ypi\.org|[p]ythonhosted|[n]pmjs\.|[d]ebian\.org"),
    "an unfinished mark": re.compile(r"\b([T]ODO|[F]IXME|[X]XX)\b"),
}


def _tracked_files() -> Iterator[Path]:
    """Texts of the project, without what tools leave behind (the names in .gitignore)."""
    ignored = re.compile(
        r"\.venv.*|__pycache__|.*\.egg-info|build|dist|\.git|\.\w+_cache|\.hypothesis|\.bench|\.breakeven|artifacts|node_modules"
    )
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if not ignored.fullmatch(name)]
        yield from (
            Path(folder, name)
            for name in files
            if name != ".git" and not name.startswith(".coverage") and not name.endswith(".png")
        )


@pytest.mark.parametrize("what", FORBIDDEN)
def test_the_tree_speaks_of_itself_alone(what: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in _tracked_files()
        for number, line in enumerate(path.read_bytes().decode(errors="replace").splitlines(), 1)
        if FORBIDDEN[what].search(line)
    ]
    assert found == []
