from __future__ import annotations

from router.surfaces.openai.chat import Chat
from router.surfaces.openai.dialect import OpenAI


class _Tokens(Chat):
    def __init__(self, *paths: str) -> None:
        OpenAI.__init__(self, "tokens", "/tokens", one_prompt=True, paths=paths, at_root=True)


def test_a_surface_is_posted_to_where_it_is_behind_a_backends_url_or_where_it_says() -> None:
    assert (Chat().paths, Chat().at_root) == (("/v1/chat/completions",), False)
    assert _Tokens().paths == ("/v1/tokens",)
    assert _Tokens("/tokens", "/v1/tokens").paths == ("/tokens", "/v1/tokens") and _Tokens().at_root
