"""Structured logs."""

from __future__ import annotations

import json
import logging

from router.app.logs import JsonFormatter


def formatted(record: logging.LogRecord) -> dict[str, object]:
    return json.loads(JsonFormatter().format(record))


def record(message: str, *args: object, **extra: object) -> logging.LogRecord:
    return logging.getLogger("x").makeRecord("x", logging.WARNING, "f.py", 1, message, args, None, extra=extra)


def test_a_record_is_one_line_with_its_extras():
    line = formatted(record("no answer after %d s", 3, backend="gpu", tokens=12))
    assert (line["event"], line["level"], line["backend"], line["tokens"]) == (
        "no answer after 3 s",
        "warning",
        "gpu",
        12,
    )
    assert line["time"].endswith("+00:00")
    assert "\n" not in JsonFormatter().format(record("two\nlines", why="a\nb"))


def test_what_is_not_json_is_written_as_text():
    assert formatted(record("x", where=logging))["where"].startswith("<module")


def test_an_exception_shows_its_type_and_place_but_not_its_message():
    try:
        raise ValueError("prompt".upper())
    except ValueError as error:
        made = record("failed")
        made.exc_info = (type(error), error, error.__traceback__)
    line = formatted(made)
    assert line["error"] == "ValueError" and "test_logs.py" in line["trace"]
    assert "PROMPT" not in json.dumps(line)
