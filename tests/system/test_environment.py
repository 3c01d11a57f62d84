from __future__ import annotations

from router.system.environment import FOR_GPUS, needed

OURS = {
    "PATH": "/usr/bin",
    "HOME": "/root",
    "LC_ALL": "C",
    "CUDA_VISIBLE_DEVICES": "0",
    "HF_HOME": "/models",
    "VLLM_USE_V1": "1",
    "VLLM_API_KEY": "secret",
    "VLLM_BASE_URL": "http://user:secret@host/v1",
    "VLLM_MODEL": "org/model",
    "HF_HUB_TOKEN": "secret",
    "OPENAI_API_KEY": "secret",
    "BREAKEVEN_ADMIN_TOKEN": "secret",
    "HTTPS_PROXY": "http://user:secret@proxy",
    "LD_PRELOAD": "/x.so",
}


def test_only_what_is_needed_passes() -> None:
    assert needed(OURS) == {"PATH": "/usr/bin", "HOME": "/root", "LC_ALL": "C"}
    of_gpus = {"CUDA_VISIBLE_DEVICES": "0", "HF_HOME": "/models", "VLLM_USE_V1": "1"}
    assert needed(OURS, FOR_GPUS) == needed(OURS) | of_gpus
