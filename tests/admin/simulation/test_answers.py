from __future__ import annotations

import json

from router.admin.errors import ApiError
from router.admin.simulation.answers import PROGRESS, SimulationProgress, line_of


def test_a_line_is_one_thing_and_progress_is_known_by_its_beginning():
    progress = line_of(SimulationProgress(share=0.25, read=8, requests=2))
    assert progress.startswith(PROGRESS) and progress.endswith(b"}\n")
    assert json.loads(progress) == {"progress": {"share": 0.25, "read": 8, "requests": 2}}
    error = line_of(ApiError(404, "nothing_recorded", "send some"))
    assert not error.startswith(PROGRESS)
    assert json.loads(error)["error"]["code"] == "nothing_recorded"
