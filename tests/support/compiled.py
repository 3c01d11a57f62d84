"""What is different when the hot path is compiled: `make prove WHAT=compiled`."""

from __future__ import annotations

import pytest

from router.gateway import pipeline

interpreted_only = pytest.mark.skipif(
    not pipeline.__file__.endswith(".py"), reason="puts something of its own in the place of what compiled code calls"
)
