"""The example of docs/importing.md is what the command makes."""

from __future__ import annotations

from datetime import UTC, datetime

from router.config.litellm_config.convert import convert
from tests.docs.markdown import blocks

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def test_the_policy_of_the_page_is_made_from_its_config() -> None:
    """Print `convert(...).text` into the page when it has changed."""
    (config,) = (block.text for block in blocks("yml") if block.place.startswith("docs/importing.md"))
    (policy,) = (block.text for block in blocks("yaml") if block.place.startswith("docs/importing.md"))
    assert convert(config.encode(), "config.yaml", NOW).text == policy
