from __future__ import annotations

from router.core.values import Usage
from router.surfaces.vllm.tokenize import Tokenize


def test_no_model_runs_so_no_tokens_are_used() -> None:
    assert Tokenize().read_answer(b'{"count":2,"tokens":[1,2]}') == (True, Usage())
    assert Tokenize().read_answer(b"{}") == (False, None)
    assert Tokenize().at_root and Tokenize().paths == ("/tokenize",)
