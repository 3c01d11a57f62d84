from __future__ import annotations

from router.surfaces.openai.media.events import Event, event_in


def test_an_event_is_read_without_its_data() -> None:
    assert event_in(b'{"type":"x","b64_json":"iVBO"}') == Event("x", None, None, None)
    assert event_in(b'{"choices":[{},{"finish_reason":"stop"}]}') == Event("", None, None, [False, True])
    assert event_in(b"[DONE]") is None
