from __future__ import annotations

from pathlib import Path

from support.traces import BURSTGPT, BURSTGPT_2, written

from router.simulate.readers.registry import read


def test_a_failed_request_is_one_all_the_same_and_its_model_is_nobodys(tmp_path: Path) -> None:
    answered, failed = read(written(tmp_path, BURSTGPT))
    assert (answered.output, failed.output, failed.at, failed.model, failed.seconds) == (18, 0, 45.5, "", None)


def test_the_second_version_says_how_long_it_took(tmp_path: Path) -> None:
    [request] = read(written(tmp_path, BURSTGPT_2))
    assert (request.seconds, request.at) == (43.0, 19440110.0)
    [unknown] = read(written(tmp_path, BURSTGPT_2.replace(",43,", ",,")))
    assert unknown.seconds is None
