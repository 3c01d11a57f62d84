"""What detectors find and what they raise for nothing, measured: the tables of docs/detectors.md.

`make docs` writes them between their two markers; a test fails while the page and the measurement differ.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from router.core.policy import Detector, DetectorName
from router.core.sensitivity.detectors import Detectors, compile_detectors
from router.core.sensitivity.finders import FINDERS
from tests.support import harmless, sensitive

BEGIN = "<!-- measured: begin (made by `make docs`) -->"
END = "<!-- measured: end -->"


def seeking(kinds: Iterable[DetectorName]) -> Detectors:
    return compile_detectors((Detector(find=tuple(kinds), raise_to="restricted"),))


def request(text: str) -> bytes:
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": text}]}).encode()


def found(form: sensitive.Form) -> int:
    """In how many texts of a form its kind is found."""
    detectors = seeking((form.kind,))
    return sum(bool(detectors.scan_body(body)) for body in sensitive.drawn(form))


def raised(texts: Iterable[tuple[str, str]]) -> tuple[Counter[str], Counter[str]]:
    """Texts and those of them in which anything is found, by the name of their kind."""
    detectors = seeking(FINDERS)
    number, wrong = Counter[str](), Counter[str]()
    for name, text in texts:
        number[name] += 1
        wrong[name] += bool(detectors.scan_body(request(text)))
    return number, wrong


@cache
def tables() -> str:
    number, wrong = raised(harmless.drawn())
    return "\n".join((*_recall(), "", *_precision(number, wrong)))


def _recall() -> Iterable[str]:
    yield "| kind | form | found |"
    yield "|---|---|---|"
    for form in sensitive.FORMS:
        yield f"| `{form.kind}` | {form.name.replace('|', chr(92) + '|')} | {found(form) / sensitive.DRAWN:.0%} |"


def _precision(number: Counter[str], wrong: Counter[str]) -> Iterable[str]:
    yield "| harmless texts | number | raised |"
    yield "|---|---|---|"
    for name in number:
        yield f"| {name.replace('_', ' ')} | {number[name]} | {wrong[name]} |"
    yield f"| **all** | **{number.total()}** | **{wrong.total()} ({wrong.total() / number.total():.2%})** |"


def with_tables(document: str) -> str:
    """The document with everything between the markers made anew."""
    between = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
    return between.sub(lambda _: f"{BEGIN}\n\n{tables()}\n\n{END}", document)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        Path(name).write_text(with_tables(Path(name).read_text()))
