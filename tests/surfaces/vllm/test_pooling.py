from __future__ import annotations

from router.core.values import Usage
from router.surfaces.vllm.pooling import Pooling

POOLING = Pooling()


def test_what_is_for_a_plugin_is_unreadable_and_may_be_fetched() -> None:
    reading = POOLING.read(b'{"model":"m","task":"plugin","data":{"data":"https://a.test/b.tiff","data_format":"url"}}')
    assert (reading.unreadable, reading.addresses) == (("data",), ("https://a.test/b.tiff",))
    assert POOLING.read(b'{"model":"m","input":"one"}').unreadable == ()


def test_an_answer_has_data() -> None:
    answer = b'{"data":[{"object":"pooling","data":[[0.1]]}],"usage":{"prompt_tokens":3,"total_tokens":3}}'
    assert POOLING.read_answer(answer) == (True, Usage(3))
    assert POOLING.read_answer(b'{"data":[{"data":"AACA"}]}') == (True, None)
    assert not POOLING.read_answer(b'{"data":[]}')[0]


def test_what_a_plugin_answers_is_of_any_kind() -> None:
    assert POOLING.read_answer(b'{"request_id":"p","created_at":1,"data":{"type":"tiff"}}') == (True, None)
    assert not POOLING.read_answer(b'{"request_id":"p","data":null}')[0]
    assert not POOLING.read_answer(b'{"request_id":"p","data":1,"error":{"message":"no"}}')[0]
    assert not POOLING.read_answer(b"[]")[0]
