"""The audit over HTTP: a page of entries, and all of it. For admins: it holds people's names and addresses."""

from __future__ import annotations

import asyncio

from aiohttp import web
from msgspec import Struct

from router.admin.audit.answers import AuditEntries, AuditEntry, AuditQuery
from router.admin.errors import ledger_lost
from router.admin.handler_context import HandlerContext, HandlerRequest
from router.core.audit.actions import ACTIONS
from router.core.audit.chain import Anchor
from router.core.audit.entry import Entry, read_entry
from router.core.audit.search import Search, summary
from router.ledger.audit import CHUNK, AuditChain, open_audit
from router.ledger.errors import LedgerUnavailable

MEDIA = "application/x-ndjson"
LOOK_AT = 20_000
"""Entries that one page looks at: receipts alone are 1,440 a day."""


class _Found(Struct):
    entries: list[Entry]
    before: int
    unreadable: int = 0


async def entries(control: HandlerContext, ask: HandlerRequest) -> AuditEntries:
    query: AuditQuery = ask.query
    wanted = Search(query.who, query.action, query.subject, query.text, query.receipts)
    try:
        async with open_audit(control.books.url) as chain:
            total = await chain.length()
            begin = total if query.before is None else min(query.before, total)
            found = await _newest(chain, wanted, begin, query.limit)
            last = await chain.line(-1)
    except LedgerUnavailable as error:
        raise ledger_lost(error) from None
    return AuditEntries(
        entries=[AuditEntry(each, summary(each)) for each in found.entries],
        before=found.before or None,
        total=total,
        anchor=_anchor(last),
        actions=dict(ACTIONS),
        unreadable=found.unreadable,
    )


async def export(control: HandlerContext, ask: HandlerRequest) -> web.StreamResponse:
    """Line by line as it is kept. Raises ApiError before the first line."""
    try:
        async with open_audit(control.books.url) as chain:
            lines = chain.lines()
            first = await anext(lines, None)
            response = web.StreamResponse(
                headers={"content-type": MEDIA, "content-disposition": 'attachment; filename="audit.jsonl"'}
            )
            await response.prepare(ask.request)
            if ask.request.method == "HEAD":
                return response
            if first is not None:
                await response.write(first + b"\n")
            async for line in lines:
                await response.write(line + b"\n")
    except LedgerUnavailable as error:
        raise ledger_lost(error) from None
    return response


async def _newest(chain: AuditChain, wanted: Search, before: int, limit: int) -> _Found:
    """Those before a place, the latest first, and from where to go on; 0 at the beginning."""
    found, lowest = _Found([], before), max(0, before - LOOK_AT)
    while found.before > lowest:
        first = max(lowest, found.before - CHUNK)
        lines = await chain.part(first, found.before - 1)
        for line in reversed(lines):
            if len(found.entries) == limit:
                return found
            found.before -= 1
            _take(found, wanted, line)
        if not lines:  # it was lost meanwhile
            found.before = 0
        await asyncio.sleep(0)
    return found


def _take(found: _Found, wanted: Search, line: bytes) -> None:
    try:
        entry = read_entry(line)
    except ValueError:
        found.unreadable += 1
        return
    if wanted.matches(entry):
        found.entries.append(entry)


def _anchor(last: bytes) -> str:
    try:
        entry = read_entry(last)
    except ValueError:
        return ""
    return str(Anchor(entry.seq, entry.hash))
