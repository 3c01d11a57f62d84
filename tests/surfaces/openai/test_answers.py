from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.values import Usage
from router.surfaces.openai.usage import usage_of
from router.surfaces.registry import SURFACES, Endpoint


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [
        ("chat", b'{"choices":[{"message":{"content":"hi"}}]}'),
        ("chat", b'{"choices":[{"message":{"content":null,"tool_calls":[{"id":"c"}]}}]}'),
        ("chat", b'{"choices":[{"message":null},{"index":1,"message":{"refusal":"no"}}]}'),
        ("chat", b'{"id":"c","choices":[{"index":0,"message":{"content":"hi"}}],"usage":null,"error":null}'),
        ("completions", b'{"choices":[{"text":""}]}'),
        ("embeddings", b' {"object":"list", "data" : [ {"embedding":[0.1]} ] }\n'),
        ("embeddings", b'{"data":[{"embedding":"AACAPw=="}],"new":{"field":[]}}'),
    ],
)
def test_answers(endpoint: Endpoint, body: bytes) -> None:
    assert SURFACES[endpoint].read_answer(body)[0]


CHOICES = b'"choices":[{"message":{}}]'


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"null",
        b"[]",
        b"{}",
        b'{"error":{"message":"no"}}',
        b'{"error":{"message":"no"},%b}' % CHOICES,
        b'{"error":"no",%b}' % CHOICES,
        b'{"choices":null}',
        b'{"choices":{}}',
        b'{"choices":[]}',
        b'{"choices":[null]}',
        b'{"choices":[{"index":0}]}',
        b'{"choices":[{"message":null}]}',
        b'{"choices":[{"message":"hi"}]}',
        b'{"choices":[{"text":"of another endpoint"}]}',
        b'{"data":[{"embedding":[0.1]}]}',
        b'{"choices":[{"index":0,"message":{"con',
        b"{%b}{%b}" % (CHOICES, CHOICES),
        b"\xef\xbb\xbf{%b}" % CHOICES,
        b"<html><body>Bad gateway</body></html>",
        b'{"choices":' + b"[" * 100_000,
        b"{%b" % CHOICES + b',"usage":' + b"[" * 100_000,
        b'{"usage":[],"choices":' + b"[" * 100_000,
        b'{"usage":[],"choices":{}}',
    ],
)
def test_what_is_no_answer(body: bytes) -> None:
    assert not SURFACES["chat"].read_answer(body)[0]


@pytest.mark.parametrize("body", [b'{"choices":[{"message":{}}]}', b'{"data":[]}', b'{"data":[{"embedding":null}]}'])
@pytest.mark.parametrize("endpoint", ["completions", "embeddings"])
def test_each_endpoint_has_results_of_its_own(endpoint: Endpoint, body: bytes) -> None:
    assert not SURFACES[endpoint].read_answer(body)[0]


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (b'{"prompt_tokens":12,"completion_tokens":3}', Usage(12, output=3)),
        (b'{"prompt_tokens":12,"completion_tokens":3,"prompt_tokens_details":[8]}', Usage(12, output=3)),
        (b'{"prompt_tokens":"many"}', None),
        (b"[]", None),
        (b"null", None),
    ],
)
def test_usage_comes_with_the_judgement_and_never_changes_it(usage: bytes, expected: Usage | None) -> None:
    body = b"{%b" % CHOICES + b',"usage":%b}' % usage
    assert SURFACES["chat"].read_answer(body) == (True, expected)
    assert usage_of(body) == expected


@given(st.binary())
def test_nothing_raises(body: bytes) -> None:
    SURFACES["chat"].read_answer(body)


def test_the_service_tier_beside_the_usage_is_told_with_it() -> None:
    body = b'{"choices": [], "service_tier": "flex", "usage": {"prompt_tokens": 3, "completion_tokens": 1}}'
    assert SURFACES["chat"].read_answer(body)[1] == Usage(3, output=1, service="flex")
