"""How a script tells the runner what it did: one JSON line for each thing that its command line names."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping

QUESTION = "What is the capital of France?"
TOOL_QUESTION = "How many people live in Paris?"
POPULATION = "2102650"


def tell(things: Mapping[str, Callable[[], object]]) -> None:
    for name in sys.argv[1:]:
        try:
            told = {"did": name, "got": str(things[name]())}
        except Exception as error:
            told = {"did": name, "failed": f"{type(error).__name__}: {error}"}
        print(json.dumps(told), flush=True)
