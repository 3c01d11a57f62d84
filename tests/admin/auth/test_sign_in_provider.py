"""Without a provider there are tokens, and nothing else is offered."""

from __future__ import annotations

import pytest

from router.admin.auth.oidc.refused import SignInRefused
from router.admin.auth.sign_in_provider import NoProvider


async def test_none_begins_and_ends_nothing():
    none = NoProvider()
    assert (none.name, await none.trouble()) == ("", "")
    for way in (none.begin("/"), none.finish("cookie", {"code": "x", "state": "y"})):
        with pytest.raises(SignInRefused) as refused:
            await way
        assert refused.value.code == "no_provider"


async def test_the_page_is_told_what_there_is(plane):
    said = (await plane.ask("GET", "/api/sign-in?next=/spend")).json
    assert said == {
        "provider": "",
        "begin": "",
        "trouble": "",
        "forgets": False,
        "signed_in": False,
        "onward": "/spend",
    }
    assert (await plane.ask("GET", "/api/sign-in?next=//evil.example", headers=await plane.sign_in())).json == said | {
        "signed_in": True,
        "onward": "/",
    }
