"""Each role may what the ones before may, and no more."""

from __future__ import annotations

from typing import get_args

import pytest

from router.admin.auth.roles import Access, Role, may


@pytest.mark.parametrize(
    ("role", "opened"),
    [("member", "open member"), ("viewer", "open member viewer"), ("editor", "open member viewer editor")],
)
def test_a_role_opens_what_the_ones_before_open(role, opened):
    assert [str(access) for access in Access if may(role, access)] == opened.split()


def test_an_admin_may_everything_and_every_role_has_an_access_of_its_name():
    assert all(may("admin", access) for access in Access)
    assert set(get_args(Role)) == {str(access) for access in Access} - {"open"}
