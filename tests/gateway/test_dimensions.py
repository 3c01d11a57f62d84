"""What records keep of whom requests are for: by the policy, whatever the size of a request."""

from __future__ import annotations

import pytest
from support.gateway import POLICY

from router.gateway.body_reader import SHORT
from router.gateway.dimensions import NoDimensions, dimensions_named
from router.surfaces.registry import SURFACES

BODY = b'{"user": "u-17", "metadata": {"project": "apollo"}}'
CHAT = SURFACES["chat"]


def test_nothing_is_kept_by_default():
    assert type(dimensions_named(())) is NoDimensions
    assert dimensions_named(()).of(CHAT, BODY) == ()


def test_what_the_policy_names_is_kept():
    assert dimensions_named(("user",)).of(CHAT, BODY) == ("user=u-17",)


@pytest.mark.parametrize("padding", [0, SHORT])
async def test_records_have_what_the_policy_names_of_short_requests_and_of_long_ones(serve, padding):
    said = {"user": "u-17", "metadata": {"project": "apollo", "ticket": "8"}}
    request = {"model": "chat", "messages": [{"role": "user", "content": "hello " + "x" * padding}], **said}
    gateway = await serve()
    assert (await gateway.post(request))[0] == 200
    assert gateway.ledger.records[-1].dimensions == ()
    gateway = await serve(POLICY + "ledger: {dimensions: [user, metadata.project]}\n")
    assert (await gateway.post(request))[0] == 200
    assert gateway.ledger.records[-1].dimensions == ("user=u-17", "metadata.project=apollo")
    assert (await gateway.post({**request, "model": "unknown", "user": "jane.doe@example.com"}))[0] == 404
    user, _ = gateway.ledger.records[-1].dimensions
    assert user.startswith("user=sha256-") and "jane" not in user
