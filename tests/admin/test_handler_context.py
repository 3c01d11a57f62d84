"""Who asks, as a handler and the policy's history are told."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import make_mocked_request

from router.admin.auth.sessions import SignedIn
from router.admin.handler_context import HandlerRequest, Who

BY_TOKEN = Who("admin", None, "10.0.0.9")
REQUEST = make_mocked_request("GET", "/api/policy")


def test_whoever_has_a_token_is_called_by_role_way_and_address():
    assert BY_TOKEN.name == "admin (token, 10.0.0.9)"


def test_whoever_is_signed_in_comes_by_the_page():
    assert Who("viewer", SignedIn("digest", "viewer", "csrf", 60.0, "print"), "::1").name == "viewer (page, ::1)"


def test_an_edit_has_its_author_with_what_he_says_of_it():
    author = HandlerRequest(REQUEST, BY_TOKEN).author("cheaper")
    assert (author.who, author.note) == ("admin (token, 10.0.0.9)", "cheaper")


def test_where_anybody_may_ask_there_is_nobody_to_name():
    with pytest.raises(AssertionError):
        HandlerRequest(REQUEST, None).author("")
