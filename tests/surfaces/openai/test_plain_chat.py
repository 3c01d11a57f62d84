from __future__ import annotations

import msgspec
import pytest

from router.surfaces.openai.plain_chat import PlainChat


def decode(body: bytes) -> PlainChat:
    return msgspec.json.decode(body, type=PlainChat)


def test_a_conversation_of_text_is_plain_whatever_else_it_sets():
    chat = decode(b'{"model": "chat", "messages": [{"role": "user", "content": "Hello"}], "temperature": 0.5}')
    assert (chat.model, chat.messages[0].content, chat.stream) == ("chat", "Hello", False)


@pytest.mark.parametrize(
    "body",
    [
        b'{"model": "chat", "messages": [{"role": "user", "content": "Hello", "name": "Ann"}]}',
        b'{"model": "chat", "messages": [{"role": "user", "content": [{"type": "text", "text": "Hello"}]}]}',
        b'{"model": "chat", "messages": [], "tools": []}',
        b'{"model": "chat", "messages": [], "metadata": {"sensitivity": "restricted"}}',
        b'{"model": "chat", "messages": [], "max_tokens": 0}',
        b'{"model": "chat", "messages": [], "audio": {"voice": "voice_1"}}',
        b'{"model": "chat", "messages": [], "voice": "voice_1"}',
    ],
    ids=["another member", "parts", "tools", "labels", "an odd limit", "a voice in sound", "a voice"],
)
def test_what_has_to_be_looked_at_closely_is_not_plain(body):
    with pytest.raises(msgspec.ValidationError):
        decode(body)
