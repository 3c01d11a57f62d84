from __future__ import annotations

import pytest

from router.core.host_patterns import covers, permits, split_host


@pytest.mark.parametrize(
    ("pattern", "split"),
    [
        ("a.example.com", ("a.example.com", None)),
        ("A.example.com.:8443", ("a.example.com", 8443)),
        ("[::1]", ("::1", None)),
        ("[::1]:80", ("::1", 80)),
    ],
)
def test_a_pattern_has_a_name_and_perhaps_a_port(pattern: str, split: tuple[str, int | None]) -> None:
    assert split_host(pattern) == split


@pytest.mark.parametrize(
    ("pattern", "name", "port", "permitted"),
    [
        ("api.openai.com", "api.openai.com", 443, True),
        ("api.openai.com", "API.openai.com.", 8080, True),
        ("api.openai.com:443", "api.openai.com", 80, False),
        ("api.openai.com:443", "api.openai.com", None, True),
        ("api.openai.com", "evil.com", 443, False),
        ("api.openai.com", "api.openai.com.evil.com", 443, False),
        ("*.example.com", "a.example.com", 443, True),
        ("*.example.com", "a.b.example.com", 443, False),
        ("*.example.com", "example.com", 443, False),
        ("*.example.com", "a.example.com.evil.com", 443, False),
        ("sts.*.amazonaws.com", "sts.eu-west-1.amazonaws.com", 443, True),
        ("sts.*.amazonaws.com", "sts.mine.s3.amazonaws.com", 443, False),
        ("[::1]:80", "::1", 80, True),
    ],
)
def test_which_hosts_a_pattern_stands_for(pattern: str, name: str, port: int | None, permitted: bool) -> None:
    assert permits([pattern], name, port) is permitted


@pytest.mark.parametrize(
    ("patterns", "pattern", "covered"),
    [
        (["a.com"], "a.com:443", True),
        (["a.com"], "a.com", True),
        (["a.com:443"], "a.com", False),
        (["*.a.com"], "b.a.com:443", True),
        (["*.a.com"], "*.a.com:443", True),
        (["*.a.com:443"], "*.a.com", False),
        (["b.a.com"], "*.a.com", False),
        ([], "a.com:443", False),
    ],
)
def test_a_pattern_is_covered_by_what_permits_all_that_it_stands_for(
    patterns: list[str], pattern: str, covered: bool
) -> None:
    assert covers(patterns, pattern) is covered
