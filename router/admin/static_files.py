"""Static files: those in `pages/`, and plotly's script from the installed package.

A file is known by the hash of its content: with the right `v` in its address it may be kept for ever. Pages and
scripts name other files as `{{NAME}}`, which becomes such an address, so a changed module changes all that use it.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import re
from importlib import resources
from importlib.resources.abc import Traversable

from aiohttp import web
from msgspec import Struct

from router.admin.page_frame import FRAME, framed

PLOTLY = "plotly.min.js"
FOREVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"
TYPES = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
    "ico": "image/x-icon",
    "woff2": "font/woff2",
}
_COMPRESSIBLE = ("css", "html", "js", "svg")
_NAMING = ("html", "js")
_REFERENCE = re.compile(r"\{\{([\w.-]+)\}\}")


class File(Struct, frozen=True):
    content: bytes
    version: str
    content_type: str
    gzipped: bytes | None


class Pages:
    """Files by name, read once when first named, and compressed once when first asked for."""

    def __init__(self, folder: Traversable | None = None) -> None:
        folder = folder or resources.files("router.admin") / "pages"
        self._sources: dict[str, Traversable] = {
            each.name: each for each in folder.iterdir() if _ending(each.name) in TYPES
        }
        self._frame = self._sources.pop(FRAME, None)
        self._sources[PLOTLY] = resources.files("plotly") / "package_data" / PLOTLY
        self._contents: dict[str, tuple[bytes, str]] = {}
        self._files: dict[str, File] = {}
        self._reading = asyncio.Lock()

    async def file(self, name: str) -> File | None:
        """None when there is none of that name."""
        if name not in self._files and name in self._sources:
            async with self._reading:
                await asyncio.to_thread(self._make, name)
        return self._files.get(name)

    async def page(self, name: str) -> File | None:
        """An HTML file by its name, with or without the ending."""
        return await self.file(name if name.endswith(".html") else f"{name}.html")

    def _make(self, name: str) -> None:
        if name in self._files:
            return
        content, version = self._read(name)
        zipped = gzip.compress(content, 6, mtime=0) if _ending(name) in _COMPRESSIBLE else None
        self._files[name] = File(content, version, TYPES[_ending(name)], zipped)

    def _read(self, name: str) -> tuple[bytes, str]:
        """Content and version. A page that names plotly's script needs its hash, but not to wait until it is packed."""
        if name not in self._contents:
            content = self._sources[name].read_bytes()
            if name != PLOTLY and _ending(name) in _NAMING:
                text = content.decode()
                if _ending(name) == "html":
                    text = framed(text, name.removesuffix(".html"), self._source)
                content = _REFERENCE.sub(self._address, text).encode()
            self._contents[name] = content, hashlib.sha256(content).hexdigest()[:16]
        return self._contents[name]

    def _source(self, name: str) -> str:
        """Raises KeyError for a file that is not there."""
        file = self._frame if name == FRAME and self._frame else self._sources[name]
        return file.read_text()

    def _address(self, reference: re.Match[str]) -> str:
        """Raises KeyError for a file that is not there: a test renders every page."""
        name = reference[1]
        return f"/assets/{name}?v={self._read(name)[1]}"

    def names(self) -> list[str]:
        return sorted(self._sources)


def _ending(name: str) -> str:
    return name.rpartition(".")[2]


def answer(request: web.Request, file: File | None, *, keep: bool) -> web.Response:
    """The file, compressed if the client takes that, or 304. `keep`: its address has the version in it."""
    if file is None:
        raise web.HTTPNotFound
    zipped = file.gzipped is not None and "gzip" in request.headers.get("accept-encoding", "")
    etag = f'"{file.version}{"-gzip" if zipped else ""}"'
    headers = {"etag": etag, "cache-control": FOREVER if keep else ASK_AGAIN, "vary": "accept-encoding"}
    if etag in request.headers.get("if-none-match", ""):
        return web.Response(status=304, headers=headers)
    headers["content-type"] = file.content_type
    if zipped:
        headers["content-encoding"] = "gzip"
    return web.Response(body=file.gzipped if zipped else file.content, headers=headers)
