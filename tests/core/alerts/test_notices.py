"""What a message says in one line, and in some."""

from __future__ import annotations

from router.core.alerts.notices import Message, Notice


def notice(state: str = "firing", title: str = "gpu is down") -> Notice:
    return Notice(
        id="1", at=0, state=state, condition="c", severity="warning", subject="s", title=title, text="Why.", since=0
    )


def test_one_line_names_the_first_and_counts_the_others():
    assert Message("m", 0, [notice()]).subject == "gpu is down"
    assert Message("m", 0, [notice("resolved"), notice(), notice()]).subject == "Resolved: gpu is down (and 2 more)"


def test_lines_say_what_is_over():
    assert Message("m", 0, [notice(), notice("resolved")]).lines == [
        "gpu is down\nWhy.",
        "[resolved] gpu is down\nWhy.",
    ]
