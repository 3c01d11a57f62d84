from __future__ import annotations

from router.surfaces.openai.kept.events import RunScanner


def test_a_run_tells_of_each_object_that_it_makes_once() -> None:
    run = b'event: thread.run.created\ndata: {"id":"run_12345678","object":"thread.run"}\n\n'
    said = b'event: thread.message.delta\ndata: {"id":"msg_12345678","delta":{}}\n\n'
    end = b"event: done\ndata: [DONE]\n\n"
    scanner = RunScanner()
    whole = run + said + said + end
    assert b"".join(scanner.feed(whole[at : at + 7]) for at in range(0, len(whole), 7)) == whole
    assert list(scanner.made) == ["run_12345678", "msg_12345678"]
    assert scanner.done and not scanner.error and scanner.end == "[DONE]"


def test_a_run_that_fails_says_so() -> None:
    scanner = RunScanner()
    scanner.feed(b'event: error\ndata: {"error": {"message": "no"}}\n\n')
    assert scanner.error and not scanner.made
