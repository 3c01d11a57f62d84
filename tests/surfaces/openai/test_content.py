from typing import Any

import pytest

from router.surfaces.openai.content import Content, voice_in


def of_parts(*parts: Any) -> Content:
    content = Content()
    content.add_messages([{"role": "user", "content": list(parts)}])
    return content


def of_prompt(prompt: Any) -> Content:
    content = Content()
    content.add_prompts(prompt)
    return content


@pytest.mark.parametrize(
    "part",
    [
        {"type": "text", "text": "Hi"},
        {"type": "input_text", "text": "Hi"},
        {"type": "refusal", "refusal": "No"},
        {"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}},
        "Hi",
        None,
    ],
)
def test_text_is_readable(part: Any) -> None:
    content = of_parts(part)

    assert (list(content.unreadable), content.modalities) == ([], {"text"})


@pytest.mark.parametrize(
    ("part", "medium"),
    [
        ({"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}, "image"),
        ({"type": "input_image", "file_id": "file-1"}, "image"),
        ({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}, "audio"),
        ({"type": "file", "file": {"file_id": "file-1"}}, "file"),
        ({"type": "video_url", "video_url": {"url": "https://example.org/a.mp4"}}, "video"),
        ({"image_url": "https://example.org/a.png"}, "image"),
        ({"type": "text", "text": "Hi", "image_url": {"url": "x"}}, "image"),
    ],
)
def test_media_are_told_by_the_type_or_by_any_name_in_the_part(part: dict[str, Any], medium: str) -> None:
    content = of_parts({"type": "text", "text": "Look"}, part)

    assert (list(content.unreadable), content.modalities) == ([medium], {"text", medium})


def test_a_part_may_have_several_media() -> None:
    assert list(of_parts({"type": "video_url", "audio": {}}).unreadable) == ["audio", "video"]


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ({"type": "hologram"}, "part of type hologram"),
        ({"type": "4111 1111 1111 1111"}, "part of unknown type"),
        ({"type": ["text"]}, "part of unknown type"),
        ({"text": "no type"}, "part of unknown type"),
    ],
)
def test_unknown_parts_are_unreadable_and_a_strange_type_is_not_repeated(part: dict[str, Any], said: str) -> None:
    assert list(of_parts(part).unreadable) == [said]


def test_an_earlier_answer_in_audio_is_unreadable() -> None:
    content = Content()
    content.add_messages([{"role": "assistant", "audio": {"id": "audio_1"}}, {"role": "user", "audio": None}])

    assert (list(content.unreadable), content.modalities) == (["audio"], {"text", "audio"})


def test_an_earlier_answer_in_audio_is_mentioned_by_its_id() -> None:
    content = Content()
    content.add_messages([{"role": "assistant", "audio": audio} for audio in ({"id": "audio_1"}, {"id": 7}, {}, "")])

    assert list(content.mentions) == ["audio_1"]


def test_content_may_be_one_part() -> None:
    content = Content()
    content.add_messages({"role": "user", "content": {"type": "input_audio"}})

    assert list(content.unreadable) == ["audio"]


@pytest.mark.parametrize(
    ("prompt", "tokens", "text_bytes", "prompts", "unreadable"),
    [
        ("abc", 0, 3, 1, []),
        (["abc", "de"], 0, 5, 2, []),
        ([1, 2, 3], 3, 0, 1, ["token ids"]),
        ([[1, 2], [3]], 3, 0, 2, ["token ids"]),
        (["abc", [1]], 1, 3, 2, ["token ids"]),
        ([1.0, 2.0], 2, 0, 1, ["token ids"]),
        ([True, False, 1], 3, 0, 1, ["token ids"]),
        ([[1.0, True, None], [2]], 4, 0, 2, ["token ids"]),
        ([None], 0, 0, 1, []),
        ([1, "abc"], 0, 11, 2, []),
        ([{"type": "image_url", "image_url": "x"}, {"type": "text", "text": "x"}], 1500, 13, 2, ["image"]),
        (None, 0, 0, 1, []),
        ([], 0, 0, 1, []),
    ],
)
def test_prompts(prompt: Any, tokens: int, text_bytes: int, prompts: int, unreadable: list[str]) -> None:
    content = of_prompt(prompt)

    assert (content.tokens, content.text_bytes, content.prompts) == (tokens, text_bytes, prompts)
    assert list(content.unreadable) == unreadable


def test_all_text_counts_with_the_names_inside_a_field() -> None:
    content = Content()
    content.add_messages([{"tool_calls": [{"function": {"name": "f", "arguments": "ä"}}], "index": 1}])

    assert content.text_bytes == len("function" + "name" + "f" + "arguments") + 2 + 8
    assert content.tokens == 4


def test_a_message_that_is_none_is_still_counted() -> None:
    content = Content()
    content.add_messages(["abc", None])

    assert (content.text_bytes, content.tokens) == (3, 0)


def test_an_image_has_a_flat_size_and_other_media_count_by_their_data() -> None:
    assert of_parts({"type": "image_url", "image_url": "A" * 100_000}).tokens == 4 + 1500
    assert of_parts({"type": "input_audio", "data": "A" * 100_000}).tokens == 4 + 1500 + 1000


@pytest.mark.parametrize(
    ("body", "unreadable"),
    [(b'"![](data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAf"', ["base64 data"]), (b'"plain"', [])],
)
def test_data_urls_in_text(body: bytes, unreadable: list[str]) -> None:
    content = Content()
    content.add_inline_data(body)

    assert list(content.unreadable) == unreadable


def test_a_data_url_in_an_image_part_is_an_image() -> None:
    content = of_parts({"type": "image_url"})
    content.add_inline_data(b";base64," + b"A" * 40)

    assert list(content.unreadable) == ["image"]


@pytest.mark.parametrize(
    ("asked", "modalities"), [(["text", "audio"], {"text", "audio"}), (["text"], {"text"}), ("audio", {"text"})]
)
def test_audio_output_needs_a_backend_that_speaks(asked: Any, modalities: set[str]) -> None:
    content = Content()
    content.add_output(asked)

    assert content.modalities == modalities
    assert not content.unreadable


CATS = "https://cats.example/a.png"


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": CATS, "detail": "high"}},
        {"type": "image_url", "image_url": CATS},
        {"image_url": CATS},
        {"type": "text", "text": "hi", "uuid": "1", "image_url": {"url": CATS}},
        {"type": "input_image", "image_url": CATS},
        {"type": "image", "source": {"type": "url", "url": CATS}},
        {"type": "video_url", "video_url": {"url": CATS}},
        {"type": "audio_url", "audio_url": {"url": CATS}},
        {"type": "input_audio", "input_audio": {"data": CATS, "format": "wav"}},
        {"type": "file", "file": {"file_id": CATS}},
        {"type": "file", "file": {"file_data": CATS, "filename": "https://name.example"}},
        {"type": "input_file", "file_url": CATS},
        {"type": "pdf_url", "pdf_url": {"url": CATS}},
        {"type": "video", "video": [{"frames": [CATS]}]},
    ],
)
def test_what_would_be_fetched_is_found_wherever_it_stands(part: Any) -> None:
    assert of_parts(part).addresses == [CATS]


@pytest.mark.parametrize(
    "address", ["file:///etc/passwd", "/etc/passwd", " https://cats.example/", "gs://b/a", "iVBOR"]
)
def test_where_a_url_stands_everything_but_data_is_one(address: str) -> None:
    assert of_parts({"type": "image_url", "image_url": {"url": address}}).addresses == [address]


@pytest.mark.parametrize(
    "part",
    [
        {"type": "text", "text": CATS},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBOR"}},
        {"type": "image_url", "image_url": {"url": "DATA:image/png;base64,iVBOR"}},
        {"type": "image_url", "image_url": None, "uuid": "1"},
        {"type": "input_audio", "input_audio": {"data": "//uQxAAA", "format": "mp3"}},
        {"type": "file", "file": {"file_id": "file-abc123"}},
        {
            "type": "file",
            "file": {"filename": "https://name.example", "file_data": "data:application/pdf;base64,JVBER"},
        },
        {"type": "image", "image": "/9j/4AAQSkZJRg"},
    ],
)
def test_content_itself_is_not_fetched(part: Any) -> None:
    assert of_parts(part).addresses == []


def test_files_that_somebody_keeps_are_named_wherever_they_stand() -> None:
    content = of_parts(
        {"type": "file", "file": {"file_id": "file-1"}},
        {"type": "input_file", "file_id": "file-2"},
        {"type": "image_file", "image_file": {"file_id": "file-1", "detail": "low"}},
        {"type": "file", "file": {"file_id": "", "file_data": "data:application/pdf;base64,AAAA"}},
        {"type": "file", "file": {"file_id": 7}},
        {"type": "text", "text": "file-3"},
    )
    assert sorted(content.files) == ["file-1", "file-2"]


@pytest.mark.parametrize(
    ("name", "value", "id"),
    [
        ("voice", {"id": "voice_1"}, "voice_1"),
        ("voice", {"id": "mine"}, "mine"),
        ("voice", "voice_1", "voice_1"),
        ("audio", {"voice": {"id": "voice_1"}, "format": "wav"}, "voice_1"),
        ("audio", {"voice": "voice_1"}, "voice_1"),
        ("audio", {"voice": "alloy"}, ""),
        ("audio", {"format": "wav"}, ""),
        ("voice", "alloy", ""),
        ("voice", {"id": 7}, ""),
        ("voice", None, ""),
    ],
)
def test_a_voice_that_somebody_made_is_told_from_one_that_is_built_in(name: str, value: Any, id: str) -> None:
    assert voice_in(name, value) == id
