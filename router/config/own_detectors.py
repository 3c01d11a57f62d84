"""Whether the patterns of a policy's own detectors can be sought, and find what their examples say."""

from __future__ import annotations

from collections.abc import Iterator

from router.config.problems import FieldPath, Finding
from router.core.policy import Detector, Policy
from router.core.sensitivity.finders import FINDERS
from router.core.sensitivity.own.fitness import broken_examples, is_everywhere
from router.core.sensitivity.own.patterns import LARGEST_TOGETHER, MOST, compile_patterns
from router.core.sensitivity.own.syntax import BadPattern, expression_of

_BROKEN = {
    "matches": 'pattern "{}" is not found in this example: change the pattern, or the example',
    "ignores": 'pattern "{}" is found in this example, which it should ignore: change the pattern, or the example',
}
_TOO_MUCH = (
    f"all patterns together have more than {LARGEST_TOGETHER:,} characters, repeats written out: make repeats "
    "shorter, or without an upper end, such as {3,}"
)


def find_unfit(policy: Policy) -> tuple[Finding, ...]:
    """What is wrong with the patterns. The names are looked at first: nothing is compiled for more than may be."""
    detectors = policy.sensitivity.detectors if policy.sensitivity is not None else ()
    own = [(number, each) for number, each in enumerate(detectors) if each.pattern is not None]
    if len(own) > MOST:
        path = _path(own[MOST][0], "pattern")
        return (Finding(path, f"more than {MOST} patterns: join some of them with |"), *_names(own))
    found = (*_names(own), *_patterns(own))
    return found or tuple(_together(own))


def _path(number: int, *steps: str | int) -> FieldPath:
    return ("sensitivity", "detectors", number, *steps)


def _names(own: list[tuple[int, Detector]]) -> Iterator[Finding]:
    seen: dict[str | None, int] = {}
    for number, detector in own:
        if detector.name in FINDERS:
            message = f'"{detector.name}" is a kind that detectors know already: call the pattern something else'
            yield Finding(_path(number, "name"), message)
        elif detector.name in seen:
            first = f"detectors[{seen[detector.name]}]"
            message = f'"{detector.name}" is the name of {first}: call one of them something else, or join them with |'
            yield Finding(_path(number, "name"), message)
        seen.setdefault(detector.name, number)


def _patterns(own: list[tuple[int, Detector]]) -> Iterator[Finding]:
    together = 0
    for number, detector in own:
        try:
            together += expression_of(detector.pattern or "").size
            if together > LARGEST_TOGETHER:
                yield Finding(_path(number, "pattern"), _TOO_MUCH)
                return
            yield from _unfit(number, detector)
        except BadPattern as error:
            yield Finding(_path(number, "pattern"), str(error))


def _together(own: list[tuple[int, Detector]]) -> Iterator[Finding]:
    try:
        compile_patterns(tuple((detector.name or "", detector.pattern or "") for _, detector in own))
    except BadPattern as error:
        yield Finding(("sensitivity", "detectors"), f"all patterns together: {error}")


def _unfit(number: int, detector: Detector) -> Iterator[Finding]:
    patterns = compile_patterns(((detector.name or "", detector.pattern or ""),))
    if is_everywhere(patterns):
        message = "it is found in nearly every request, which would all be raised: say more of what is sought"
        yield Finding(_path(number, "pattern"), message)
    for kind, example in broken_examples(patterns, detector.matches, detector.ignores):
        yield Finding(_path(number, kind, example), _BROKEN[kind].format(detector.name))
