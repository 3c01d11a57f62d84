from __future__ import annotations

from types import SimpleNamespace

import pytest

from router.config.example_model import example_model


@pytest.mark.parametrize(
    ("models", "example"),
    [(["chat", "code"], "chat"), (["*", "chat"], "chat"), (["gpt-*", "*"], "gpt-model")],
)
def test_a_name_comes_before_what_a_pattern_takes(models, example):
    assert example_model(SimpleNamespace(models=dict.fromkeys(models))) == example
