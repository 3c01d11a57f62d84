from __future__ import annotations

from router.config.sizing.catalogue import load_catalogue
from router.config.sizing.families import FAMILIES


def test_the_catalogue_has_models_of_known_families_alone() -> None:
    assert all(each.read().known_family for each in load_catalogue().models.values())
    assert {"llama", "qwen2", "qwen3", "gpt_oss", "gemma3", "deepseek_v3"} <= FAMILIES.keys()
