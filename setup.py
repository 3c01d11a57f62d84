"""With BREAKEVEN_COMPILE=1 the hot path is compiled to C by mypyc; without it this is pure Python, as ever."""

import ast
import os
from pathlib import Path

from setuptools import setup

PACKAGES = ("core", "surfaces", "system", "gateway", "upstream")
IN_LEDGER = (
    "client/batch",
    "client/batches",
    "client/early_holds",
    "client/group_commit",
    "client/in_flight",
    "client/waiting",
    "journal/log",
    "server/connection",
    "server/wire",
)
MODULES = tuple(f"router/ledger/{name}.py" for name in IN_LEDGER)
"""What runs for every request. The rest runs at start, on a reload, now and then, or in another process."""
NOT_COMPILED = {
    "router/core/policy.py": "pydantic's models are made from annotations and validators that mypyc does not keep",
    "router/core/policy_fields.py": "the base of those models",
    "router/core/backend_kinds.py": "some of those models",
    "router/core/power/policy.py": "more of those models",
    "router/core/alerts/": "more models, and rules that run now and then",
    "router/core/audit/": "is written now and then",
    "router/core/sizing/": "no request asks which card a model fits",
    "router/core/sensitivity/finders/": "regular expressions, which are compiled already",
    "router/core/sensitivity/own/": "an engine seeks them; what else is there reads a policy",
    "router/core/sensitivity/detectors.py": "tests put a class of their own in the place of `Detectors`",
    "router/system/certificate.py": "looks at two files now and then",
    "router/system/atomic_file.py": "serves what is kept now and then",
    "router/upstream/vllm_probe.py": "mypyc takes two kinds of error caught under one name in a coroutine for one kind",
    "router/upstream/probes.py": "asks now and then",
    "router/upstream/fetch.py": "serves probes",
    "router/upstream/outbound_guard.py": "serves the adapter; its ConnectionError is none that mypyc can inherit from",
    "router/upstream/fleet.py": "retired backends are referred to weakly, which objects of native classes cannot be",
}
COMPILED_ALL_THE_SAME = ("router/ledger/client/batch.py", "router/ledger/client/in_flight.py")
"""Their Structs are only made and read: never decoded, hashed or asked whether they are frozen."""


def modules() -> list[str]:
    """Source files to compile."""
    found = [path for package in PACKAGES for path in sorted(Path("router", package).rglob("*.py"))]
    return [str(path) for path in (*found, *map(Path, MODULES)) if path.name != "__init__.py" and _compiles(path)]


def _compiles(path: Path) -> bool:
    """mypyc drops annotations and keywords of a class: a Struct could not be decoded, nor would it be frozen."""
    classes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ClassDef)]
    plain = all(not each.keywords and "Struct" not in map(ast.unparse, each.bases) for each in classes)
    return not str(path).startswith(tuple(NOT_COMPILED)) and (plain or str(path) in COMPILED_ALL_THE_SAME)


def extensions() -> list:
    if os.environ.get("BREAKEVEN_COMPILE") != "1":
        return []
    from mypyc.build import mypycify

    return mypycify(["--config-file", "pyproject.toml", *modules()], opt_level="3", debug_level="0")


setup(ext_modules=extensions())
