import json

import pytest

from router.surfaces.unknown_to_adapter import CHANGED, NOT_FOUND, is_unknown


def error(code: str) -> bytes:
    return json.dumps({"error": {"message": "no", "code": code}}).encode()


@pytest.mark.parametrize(("status", "code"), [(503, CHANGED), (404, NOT_FOUND)])
def test_it_is_known_by_its_code(status: int, code: str) -> None:
    assert is_unknown(status, error(code))
    assert not is_unknown(200, error(code)) and not is_unknown(status, error("model_not_found"))
    assert not is_unknown(status, b"no")
