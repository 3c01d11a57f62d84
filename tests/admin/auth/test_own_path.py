"""Somebody who signs in goes on to a page of ours."""

from __future__ import annotations

import pytest

from router.admin.auth.own_path import LONGEST, header_form, own_path, sign_in_address


@pytest.mark.parametrize("path", ["/", "/requests?model=chat&range=7d", "/spend#by-team", "/requests?q=a%20b"])
def test_a_path_of_ours_is_kept(path):
    assert own_path(path) == path


@pytest.mark.parametrize(
    "elsewhere",
    [
        "",
        "requests",
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "\t//evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "/a\\b",
        "/a\r\nset-cookie: x=y",
        "/sign-in?next=/sign-in",
        "/" + "a" * LONGEST,
    ],
)
def test_everything_else_leads_to_the_first_page(elsewhere):
    assert own_path(elsewhere) == "/"


def test_the_sign_in_page_is_told_where_to_go_on_to():
    assert sign_in_address("/") == "/sign-in"
    assert sign_in_address("/requests?model=chat") == "/sign-in?next=%2Frequests%3Fmodel%3Dchat"
    assert sign_in_address("//evil.example", "no_role") == "/sign-in?problem=no_role"


def test_a_link_that_is_too_long_to_be_kept_says_so():
    assert sign_in_address("/requests?user=" + "a" * LONGEST) == "/sign-in?problem=long_link"
    assert sign_in_address("/requests?user=" + "a" * LONGEST, "wrong_token") == "/sign-in?problem=wrong_token"
    assert sign_in_address("//evil.example/" + "a" * LONGEST) == "/sign-in"


def test_a_header_carries_what_a_path_may_hold():
    assert header_form("/requests?model=ä b%20c&x=1") == "/requests?model=%C3%A4%20b%20c&x=1"
