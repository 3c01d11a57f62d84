"""What vLLM takes for itself on a card, by its version.

Before it shares out memory it runs once with as many requests as may run at a time, and keeps what that took at its
peak. In published measurements of thirty models that is what the sampler holds for each request and each entry of the
vocabulary, and one row for each token of a step: it hardly depends on the size of a model, but on its vocabulary.

    max(least, base + logit_bytes·requests·vocabulary + 2·tokens·hidden) + experts + pictures + outside_torch + graphs
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from router.core.sizing.cards import GIB, Batch
from router.core.sizing.quantization import HALF
from router.core.sizing.shape import ModelShape


class Overhead(Struct, frozen=True):
    """Of one version and those after it, up to the next that is known. GiB, where nothing else is said."""

    since: str
    """The version, such as 0.17."""
    base: float
    logit_bytes: float
    """Bytes for each running request and entry of the vocabulary."""
    outside_torch: Mapping[int, float]
    """By the number of cards; of more than are listed, as of the most that are."""
    utilization: float
    """The share of a card that it takes when it is not told."""
    source: str
    seen: str
    least: float = 0.0
    experts: float = 0.0
    """More, with experts."""
    pictures: float = 0.0
    """More, where it takes pictures."""
    graphs: float = 0.0
    """CUDA graphs, where the version leaves room for them before it shares out memory."""

    batches: int = 1
    """Of a step's tokens, on their way at once: windows hold them all."""

    def bytes_of(self, shape: ModelShape, batch: Batch, cards: int = 1) -> float:
        """On each card."""
        sampler = self.logit_bytes * batch.requests * shape.vocabulary
        rows = HALF * batch.tokens * shape.hidden
        peak = max(self.least, self.base + (sampler + rows) / GIB)
        more = (self.experts if shape.expert_width else 0.0) + (self.pictures if shape.sees else 0.0)
        return GIB * (peak + more + self._outside(cards) + self.graphs)

    def _outside(self, cards: int) -> float:
        return self.outside_torch[max(each for each in self.outside_torch if each <= cards)]


def overhead_of(version: str, known: Sequence[Overhead]) -> Overhead:
    """Of the newest of `known`, ascending, that is not newer than `version`; the oldest where all are newer."""
    asked = version_key(version)
    return next((each for each in reversed(known) if version_key(each.since) <= asked), known[0])


def version_key(version: str) -> tuple[int, ...]:
    """`0.17.1` -> (0, 17, 1). Raises ValueError for anything else."""
    return tuple(int(part) for part in version.removeprefix("v").split("."))
