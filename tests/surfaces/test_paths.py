from __future__ import annotations

import pytest

from router.surfaces.paths import plain

SPELLINGS = {
    "/v1/models": "/v1/models",
    "/v1/models/": "/v1/models",
    "//v1//models//": "/v1/models",
    "/": "/",
    "//": "/",
    "": "/",
    "/v1/models/a%2Fb": "/v1/models/a%2Fb",
}


@pytest.mark.parametrize("path", SPELLINGS)
def test_a_path_has_one_spelling(path: str) -> None:
    assert plain(path) == SPELLINGS[path]
