from __future__ import annotations

from router.core.units import Units
from router.core.values import Usage
from router.surfaces.openai.media.stream import MediaScanner


def fed(*payloads: bytes, strip_usage: bool = False) -> tuple[MediaScanner, bytes]:
    scanner = MediaScanner(strip_usage, pictures=2)
    return scanner, b"".join(scanner.feed(b"data: %b\n\n" % payload) for payload in payloads)


def test_a_transcript_ends_with_what_was_used() -> None:
    scanner, _ = fed(b'{"type":"transcript.text.delta","delta":"Hi"}')
    assert (scanner.events, scanner.done, scanner.usage, scanner.first_complete) == (1, False, None, True)
    scanner, _ = fed(
        b'{"type":"transcript.text.done","text":"Hi","usage":{"input_tokens":14,"output_tokens":2,'
        b'"input_token_details":{"audio_tokens":10}}}'
    )
    assert scanner.done and scanner.usage == Usage(14, output=2, units=Units(audio_input=10))
    assert fed(b'{"type":"speech.audio.done"}')[0].done


def test_long_words_count() -> None:
    scanner, _ = fed(b'{"type":"transcript.text.delta","delta":"%b"}' % (b"x" * 400))
    assert scanner.produced > 50


def test_pictures_end_one_by_one() -> None:
    done = (
        b'{"type":"image_generation.completed","b64_json":"iVBO","usage":{"input_tokens":5,"output_tokens":272}}',
        b'{"type":"image_generation.completed","b64_json":"iVBO","usage":{"input_tokens":5,"output_tokens":272}}',
    )
    scanner, passed = fed(b'{"type":"image_generation.partial_image","b64_json":"iVBO"}', *done)
    assert (scanner.events, len(scanner.finished), scanner.done) == (3, 2, True)
    assert scanner.usage == Usage(10, output=544, units=Units(image_output=544, images=2))
    assert passed.count(b"iVBO") == 3
    assert fed(b'{"type":"image_edit.completed"}')[0].usage is None


def test_errors_are_errors() -> None:
    assert fed(b'{"type":"error","message":"no"}')[0].error
    assert fed(b'{"error":{"message":"no"}}')[0].error
    assert fed(b"nothing")[0].malformed
    assert not fed(b'{"type":5}')[0].malformed


def test_vllm_streams_a_transcript_as_a_chat() -> None:
    chunks = (
        b'{"object":"transcription.chunk","choices":[{"delta":{"content":"Hi"}}]}',
        b'{"object":"transcription.chunk","choices":[{"delta":{"content":""},"finish_reason":"stop"}]}',
    )
    usage = b'{"choices":[],"usage":{"prompt_tokens":4,"completion_tokens":2}}'
    scanner, passed = fed(*chunks, usage, b"[DONE]", strip_usage=True)
    assert (scanner.events, scanner.finished, scanner.done, scanner.usage) == (2, {0}, True, Usage(4, output=2))
    assert usage not in passed and b"[DONE]" in passed
    assert usage in fed(usage)[1]


def test_without_a_finished_part_an_end_is_none() -> None:
    chunk = b'{"object":"transcription.chunk","choices":[{"delta":{"content":"Hi"}}]}'
    scanner, passed = fed(chunk, b"[DONE]")
    assert not scanner.done and b"[DONE]" not in passed
