from __future__ import annotations

from support.compiled import interpreted_only

from router.surfaces.base import Surface
from router.surfaces.openai.chat import Chat
from router.surfaces.openai.dialect import OpenAI
from router.surfaces.registry import SURFACES


class _Tokens(Chat):
    def __init__(self, *paths: str) -> None:
        OpenAI.__init__(self, "tokens", "/tokens", one_prompt=True, paths=paths, at_root=True)


@interpreted_only
def test_a_surface_is_posted_to_where_it_is_behind_a_backends_url_or_where_it_says() -> None:
    assert (Chat().paths, Chat().at_root) == (("/v1/chat/completions",), False)
    assert _Tokens().paths == ("/v1/tokens",)
    assert _Tokens("/tokens", "/v1/tokens").paths == ("/tokens", "/v1/tokens") and _Tokens().at_root


class _Other(Chat):
    """Of a dialect that says nothing of what backends keep."""

    grows, not_kept = Surface.grows, Surface.not_kept
    stored_id, stored_parts = Surface.stored_id, Surface.stored_parts


@interpreted_only
def test_without_a_word_of_its_own_a_dialect_keeps_nothing_and_expects_the_worst() -> None:
    other = _Other()
    assert other.stored_id(b'{"id":"1"}') == "" and other.stored_parts(b"{}") == () and other.grows("file-1")
    assert other.not_kept("file-1").message == "There is nothing here with the id 'file-1'."
    assert other.not_found("file-1") == other.not_kept("file-1")


def test_who_takes_no_forms_takes_all_as_json() -> None:
    chat = SURFACES["chat"]
    body = chat.example("chat", "Hello")
    assert chat.read_as(body, "text/plain") == chat.read(body)


def test_of_an_answer_in_bytes_the_text_is_guessed() -> None:
    surface = SURFACES["transcriptions"]
    scanner = surface.byte_scanner(surface.read(surface.example("m", "Hello")), b"text/plain")
    scanner.feed(b"1\n00:00 --> 00:02\nHello\n")
    assert scanner.usage is not None and scanner.usage.estimated and scanner.usage.output == 6
