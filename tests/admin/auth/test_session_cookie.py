"""The cookie of a session."""

from __future__ import annotations

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from router.admin.auth.session_cookie import COOKIE, drop_session, is_tls, set_session


@pytest.mark.parametrize(("headers", "secure"), [({}, False), ({"x-forwarded-proto": "HTTPS"}, True)])
def test_it_is_out_of_reach_and_stays_within_tls(headers, secure):
    request, answer = make_mocked_request("GET", "/", headers=headers), web.Response()
    set_session(request, answer, "value")
    said = answer.cookies[COOKIE].OutputString()
    assert "HttpOnly" in said and "SameSite=Strict" in said and ("Secure" in said) == secure == is_tls(request)


def test_it_can_be_taken_back():
    answer = web.Response()
    drop_session(answer)
    assert answer.cookies[COOKIE].value == "" and "Max-Age=0" in answer.cookies[COOKIE].OutputString()
