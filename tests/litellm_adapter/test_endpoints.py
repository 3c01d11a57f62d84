import json

import pytest

from router.litellm_adapter.endpoints import CHAT, EMBEDDINGS, ENDPOINTS, MESSAGES, RESPONSES
from router.litellm_adapter.failures import Failure
from router.surfaces.openai.complaint import complaint_in
from router.surfaces.registry import SURFACES

FAILED = Failure(429, "Slow down", "rate_limit_error", "rate_limit_exceeded", "n")


def test_they_are_the_gateways_surfaces_at_the_same_paths() -> None:
    known = {each.name: each for each in ENDPOINTS}
    for name in known.keys() & SURFACES.keys():
        assert known[name].path == SURFACES[name].path


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda each: each.name)
def test_errors_of_every_shape_are_understood_by_the_gateway(endpoint: object) -> None:
    whole = json.dumps(endpoint.error(FAILED)).encode()  # type: ignore[attr-defined]
    event = endpoint.error_event(FAILED)  # type: ignore[attr-defined]
    for told in (whole, event.partition(b"data: ")[2]):
        complaint = complaint_in(told)
        assert complaint is not None
        assert set(complaint.words) == {"rate_limit_exceeded", "rate_limit_error"}


def test_each_dialect_has_its_own_shape() -> None:
    assert CHAT.error(FAILED) == FAILED.body()
    assert MESSAGES.error(FAILED)["type"] == "error"
    assert MESSAGES.error(Failure(502, "m"))["error"]["type"] == "api_error"
    assert MESSAGES.error(Failure(422, "m"))["error"]["type"] == "invalid_request_error"
    assert MESSAGES.error_event(FAILED).startswith(b"event: error\n")
    event = json.loads(RESPONSES.error_event(FAILED).partition(b"data: ")[2])
    assert (event["type"], event["code"], event["message"]) == ("error", "rate_limit_exceeded", "Slow down")


def test_embeddings_are_no_stream() -> None:
    with pytest.raises(NotImplementedError):
        EMBEDDINGS.stream(None, {})
