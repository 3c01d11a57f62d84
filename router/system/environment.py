"""What programs that we start find in their environment: little, and none of our secrets unless the policy says so."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

_NEEDED = frozenset({"PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "XDG_CACHE_HOME"})
_NEEDED_BY_PREFIX = ("LC_",)
FOR_GPUS = ("CUDA_", "NVIDIA_", "NCCL_", "HIP_", "ROCR_", "ROCM_", "OMP_", "HF_HOME", "HF_HUB_", "VLLM_")
"""Beginnings of the names of what vLLM is told by, on the machine rather than in the policy."""
_OURS = frozenset({"VLLM_BASE_URL", "VLLM_MODEL"})
"""Where the gateway finds a vLLM: nothing that a vLLM reads, and an address may hold a password."""
_SECRET = ("KEY", "TOKEN", "SECRET", "PASSWORD")


def needed(environment: Mapping[str, str] = os.environ, more: Iterable[str] = ()) -> dict[str, str]:
    """What a program needs in order to run at all, and what begins with one of `more`; nothing that is called a key,
    token or password, and not where the gateway finds a vLLM."""
    prefixes = (*_NEEDED_BY_PREFIX, *more)
    return {
        name: value
        for name, value in environment.items()
        if (name in _NEEDED or name.startswith(prefixes))
        and name not in _OURS
        and not any(word in name for word in _SECRET)
    }
