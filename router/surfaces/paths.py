"""One spelling for each path: clients join base URLs and paths with slashes of their own."""

from __future__ import annotations

import re
from typing import Final

_SEVERAL: Final = re.compile("//+")


def plain(path: str) -> str:
    """`path` without a slash at its end or a second one in a row: "/v1//models/" is "/v1/models"."""
    return _SEVERAL.sub("/", path).rstrip("/") or "/"
