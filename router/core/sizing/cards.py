"""What a GPU has, as far as serving a model asks for it."""

from __future__ import annotations

from msgspec import Struct

GIB = 1024**3


class PriceSeen(Struct, frozen=True):
    """What renting one was offered for."""

    low: float
    """USD per hour."""
    high: float
    seen: str
    """When, such as 2026-11."""
    source: str


class Card(Struct, frozen=True):
    name: str
    memory_gib: float
    """As a program sees it: less than the seller's gigabytes."""
    bandwidth_gb: float
    """Memory, in 10^9 bytes a second."""
    half_tflops: float
    """Dense bfloat16 or float16 with sums in float32, in 10^12 operations a second."""
    fp8_tflops: float | None = None
    """None where it has no arithmetic for it."""
    price: PriceSeen | None = None
    capability: float = 8.0
    """NVIDIA's compute capability; which kinds of weights vLLM has code for depends on it."""

    @property
    def memory(self) -> float:
        """In bytes."""
        return self.memory_gib * GIB

    @property
    def defaults(self) -> Batch:
        large = self.memory_gib >= 70 and "A100" not in self.name
        return HUGE if self.memory_gib >= 160 else LARGE if large else SMALL


class Batch(Struct, frozen=True):
    """What vLLM's server lets run at once: on a card when it is not told, by `EngineArgs.get_batch_defaults`."""

    requests: int
    """`max_num_seqs`."""
    tokens: int
    """`max_num_batched_tokens`: of a step, over all of them."""


HUGE = Batch(1024, 16384)
LARGE = Batch(1024, 8192)
SMALL = Batch(256, 2048)
