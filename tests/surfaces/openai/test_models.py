from __future__ import annotations

import json

from router.surfaces.openai.models import listing, single


def test_the_list_has_the_shape_that_sdks_read() -> None:
    told = json.loads(listing(["code"]))
    (entry,) = told["data"]
    assert told["object"] == "list"
    assert entry == json.loads(single("code"))
    assert (entry["id"], entry["object"]) == ("code", "model") and isinstance(entry["created"], int)
