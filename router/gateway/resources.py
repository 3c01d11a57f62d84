"""Objects that backends keep for clients, asked for by their own paths: passed through to the backend that has them.

The same steps as for any request, see `pipeline`, but that nothing is chosen: what is named is where it is, and what is
new goes where the policy says. An answer is passed on as it came, but for what another team would see: lists have a
team's own objects only.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterable, Mapping
from functools import partial
from time import monotonic
from urllib.parse import parse_qsl, urlencode

from msgspec.structs import replace

from router.core.decision.facts import build_facts
from router.core.decision.kept import decide_kept, keeper_of
from router.core.limits.counters import CLOUD, LOCAL, Hold
from router.core.limits.terms import cell_of
from router.core.pins import Pin, labels_of
from router.core.reading import BadBody, Reading
from router.core.redaction import Secrets
from router.core.resilience.circuit_breaker import Event
from router.core.resilience.error_cause import ErrorCause
from router.core.resilience.retry import Fault
from router.core.values import Decision, Facts, KeyGrant, Label, RequestOutcome, Settlement, Usage
from router.gateway.body_reader import BodyReader
from router.gateway.context import RequestContext
from router.gateway.error_responses import NO_ROOM, full, over_budget, refused
from router.gateway.errors import ApiError
from router.gateway.headers import to_backend, to_client
from router.gateway.http_connection import Client
from router.gateway.passage import Passage
from router.gateway.request import Request
from router.gateway.request_target import ids_in, said
from router.gateway.reservation import Reservation
from router.gateway.response_lines import told
from router.gateway.settle import Settler
from router.gateway.settlements import correction_of
from router.gateway.stored_objects import StoredObjects, replica_of, unknown_now
from router.gateway.stream_reader import ContentReader, StreamReader
from router.gateway.used_up import check_again
from router.gateway.worker_state import WorkerState
from router.ledger.errors import LedgerUnavailable
from router.surfaces.base import PREFIX
from router.surfaces.headers import TO_BACKEND
from router.surfaces.long_json import outline
from router.surfaces.registry import KEPT
from router.surfaces.resources import Asked
from router.surfaces.sse import is_event_stream
from router.surfaces.told_error import shortened
from router.upstream.connection import Connection
from router.upstream.errors import UpstreamError
from router.upstream.replica import Replica, Slot

PAGE = 100
"""Objects of a list that are asked for at once."""
MOST_PAGES = 50
"""Pages that are looked through for a team's own objects."""
MOST_LISTED = 10_000
_SURFACE = KEPT.surface
_QUERY = re.compile(r"[A-Za-z0-9_.~%=&\[\]:,+-]{0,2048}")
_FORM = re.compile(r"multipart/form-data; ?boundary=[A-Za-z0-9'()+_,./:=?\"-]{1,80}", re.IGNORECASE)
_NO_PINS: Mapping[str, Pin] = {}
_NOTHING = Usage()
_OURS = frozenset({ErrorCause.CREDENTIALS, ErrorCause.NOTHING})
_TRIES = 3
_EMPTY = Reading(
    model="",
    stream=False,
    wants_usage=None,
    max_output_tokens=0,
    input_tokens=0,
    modalities=frozenset({"text"}),
    unreadable=(),
    labels=(),
    model_span=(0, 0),
    options_span=None,
    input_bound=0,
    answers=1,
)

log = logging.getLogger("breakeven.gateway")


class Resources:
    def __init__(self, state: WorkerState, reader: BodyReader, loop: asyncio.AbstractEventLoop) -> None:
        self._state = state
        self._reader = reader
        self._loop = loop
        self._stored = StoredObjects(state.ledger)
        self._endings = Settler(state.ledger)

    async def handle(self, asked: Asked, request: Request, client: Client, key: KeyGrant) -> None:
        request.surface = _SURFACE
        if not _QUERY.fullmatch(request.query):
            raise ApiError(400, "invalid_query", "The query has characters that are not passed on, or is too long.")
        if not self._state.ledger.available:
            raise unknown_now(LedgerUnavailable(self._state.ledger.why))
        context, decision = await self._decide(asked, request, client, key)
        slot = self._take(context, decision)
        try:
            reservation = await self._reserve(context, decision)
            try:
                if request.method != "GET":
                    await self._stored.grow(context, decision)
                await self._serve(_Exchange(asked, context, decision, slot, client), reservation)
            finally:
                reservation.release()
        finally:
            slot.leave(self._loop.time())

    # --- what may be done

    async def _decide(
        self, asked: Asked, request: Request, client: Client, key: KeyGrant
    ) -> tuple[RequestContext, Decision]:
        """Raises ApiError."""
        state, arrived, now = self._state, monotonic(), self._state.clock()
        serving, keyring, states = state.serving, state.keyring, state.fleet.states
        reading, body, detectors = _EMPTY, b"", serving.detectors
        if request.method == "POST" and request.body:
            found = self._reader.at_once(serving, _SURFACE, request)
            if found is None:
                check = partial(check_again, state, request, key)
                found = await self._reader.apart(serving, _SURFACE, request, key.name, check)
            if found.body is not request.body:
                client.hold(request, len(found.body))
                request.body = found.body
            reading, body, detectors = found.reading, found.body, found.detectors
        pins = await self._pins(asked, request, reading, key)
        backend = _backend(asked, pins, keeper_of(serving.plan.policy, asked.operation.resource))
        try:
            facts = build_facts(
                plan=serving.plan,
                endpoint=asked.operation.resource,
                reading=reading,
                key=key,
                headers=request.headers,
                passed=TO_BACKEND,
                detectors=detectors,
                body=body,
                pins=pins.values(),
            )
        except BadBody as error:
            raise ApiError(400, error.code or "invalid_request", error.message, param=error.param) from None
        # A body that is read apart has detectors of its own, which know what is in that body alone.
        said = _said(asked, request, pins)
        heard = serving.detectors.scan_body(said)
        facts = _as_kept(facts, asked, pins, heard, empty=reading is _EMPTY, lowest=serving.plan.levels[:1])
        deadline = self._loop.time() + serving.plan.policy.retry.deadline
        if serving.entities is not None:
            facts = await state.entities.heard(serving, facts, (reading.texts or body, said), request, deadline)
        context = RequestContext(
            surface=_SURFACE,
            serving=serving,
            key=key,
            keyring=keyring,
            body=body,
            reading=reading,
            facts=facts,
            request=request,
            at=now,
            arrived=arrived,
            deadline=deadline,
            states=states,
            pins=pins,
            replica=replica_of(pins.values()),
        )
        decision = decide_kept(facts, serving.plan, state.snapshot(now, states), backend)
        if decision.refusal is not None:
            raise self._refuse(context, decision, refused(decision, decision.refusal))
        if decision.waiting:
            raise self._refuse(context, decision, full(decision))
        if asked.operation.spends:
            self._check_spending(context, decision, backend)
        return context, decision

    async def _pins(self, asked: Asked, request: Request, reading: Reading, key: KeyGrant) -> Mapping[str, Pin]:
        """Of the object that is asked for, of all that the body names, and of where a list goes on; and of whatever
        else stands in the path or the query, which may be within that object and unknown here. Raises ApiError."""
        own = asked.ids[:1] or _cursor(asked, request)
        named = ids_in(asked.ids, request.query)
        serving = self._state.serving
        found: Mapping[str, Pin] = _NO_PINS
        if own or named:
            try:
                of_path = replace(_EMPTY, refers_to=own, mentions=tuple(named))
            except BadBody as error:  # its query names too many
                raise ApiError(400, error.code or "invalid_request", error.message) from None
            found = await self._stored.find(_SURFACE, serving, of_path, key, of_path=True)
        if reading.refers_to or reading.mentions:
            found = {**found, **await self._stored.find(_SURFACE, serving, reading, key)}
        return found

    def _check_spending(self, context: RequestContext, decision: Decision, backend: str) -> None:
        """Money that is spent after the answer is not held, and not known here. Raises ApiError."""
        policy, key = context.serving.plan.policy, context.key
        if key.permits.models is not None:
            message = f"The key '{key.name}' may use some models only, and this would use whichever it names."
            raise self._refuse(context, decision, ApiError(403, "model_not_allowed", message, retryable=False))
        counters = context.serving.holding.counter_sets.of(key, context.facts.model, context.at)
        bounded = any(counter.limit.measure in ("usd", "tokens") for counter in counters.all)
        if bounded and not getattr(policy.backends[backend], "resources_spend", False):
            message = (
                "This spends money after its answer, which no limit can hold, and limits apply to the key"
                f" '{key.name}'. An admin can allow it with `backends.{backend}.resources_spend` in the policy."
            )
            raise self._refuse(context, decision, ApiError(403, "spending_not_bounded", message, retryable=False))

    def _refuse(self, context: RequestContext, decision: Decision, error: ApiError) -> ApiError:
        self._endings.refused(context, decision, error)
        return error

    def _take(self, context: RequestContext, decision: Decision) -> Slot:
        now = self._loop.time()
        backend = context.serving.backends[decision.candidates[0].route.backend]
        replica = backend.pick(now, frozenset(), "", context.replica)
        if replica is None:
            message = f"{backend.spec.name} cannot be asked now. Try again shortly."
            raise self._refuse(
                context, decision, ApiError(503, "backend_unavailable", message, retry_after=2, retryable=True)
            )
        return replica.take(now)

    async def _reserve(self, context: RequestContext, decision: Decision) -> Reservation:
        """It counts as a request, and as nothing else. Raises ApiError."""
        ledger, route = self._state.ledger, decision.candidates[0].route
        lease = context.serving.plan.policy.ledger.lease
        hold = Hold(
            id=ledger.next_id(context.at, lease),
            cell=cell_of(route, context.facts.model, context.key),
            at=context.at,
            lease=lease,
            input=0,
            output=0,
            cost=0,
            eligible=False,
            counters=context.serving.holding.counter_sets.of(context.key, context.facts.model, context.at),
            sides=LOCAL if route.owned else CLOUD,
            local_first=route.owned,
            request=context.request.id,
        )
        reservation = Reservation(ledger, hold)
        try:
            admission = await reservation.admission()
        except asyncio.CancelledError:  # the client left
            reservation.release()
            raise
        if admission is not None and admission.verdict is not None and not admission.sides:
            error = over_budget(context, decision, admission.verdict, self._state.clock())
            raise self._refuse(context, decision, error)
        return reservation

    # --- doing it

    async def _serve(self, exchange: _Exchange, reservation: Reservation) -> None:
        context, decision = exchange.context, exchange.decision
        try:
            if exchange.asked.operation.lists:
                status, detail = await self._list(exchange)
            else:
                status, detail = await self._pass(exchange)
        except _RefusedError as refused:
            reservation.settle(_settlement(context, decision, reservation.hold, 503, str(refused)))
            message = f"No backend that may take this request answered. {exchange.replica.backend}: {refused}"
            raise ApiError(503, "backend_unavailable", message, retryable=False, level=decision.level) from None
        except UpstreamError as error:
            ours = error.fault is Fault.NO_ROOM
            event = Event.SUCCESS if ours else Event.FAILURE
            exchange.slot.report(event, self._loop.time(), why=str(error))
            status = 503 if ours else 502
            reservation.settle(_settlement(context, decision, reservation.hold, status, str(error)))
            if ours:
                raise ApiError(
                    503, "too_much_held", NO_ROOM, retry_after=2, retryable=True, level=decision.level
                ) from None
            message = f"{exchange.replica.backend} did not answer: {error}."
            raise ApiError(502, "backend_unavailable", message, retryable=False, level=decision.level) from None
        reservation.settle(_settlement(context, decision, reservation.hold, status, detail))

    async def _pass(self, exchange: _Exchange) -> tuple[int, str]:
        """Status, and what went wrong."""
        asked, context, client = exchange.asked, exchange.context, exchange.client
        passage = await self._send(exchange, context.request.query)
        try:
            media_type = next((value for name, value in passage.headers if name == b"content-type"), b"")
            json = b"json" in media_type
            if passage.status < 400 and (asked.operation.streams or not json):
                client.start(passage.status, exchange.lines(passage))
                if is_event_stream(media_type):
                    await self._stream(exchange, passage)
                else:
                    await passage.relay(client, ContentReader(exchange.secrets))
                if passage.broken is not None:
                    client.close()
                    return passage.status, str(passage.broken)
                client.finish()
                return passage.status, ""
            body = await passage.collect()
            shown = outline(body)
            status = passage.status if passage.status >= 400 else _error_status(shown) or passage.status
            if status < 400:
                await self._remember(exchange, shown)
                await self._correct(exchange, shown, body)
                body = exchange.secrets.out_of_answer(body)
            else:
                body = exchange.relayed(status, body)
            client.respond(status, exchange.lines(passage), body)
            return status, ""
        finally:
            passage.abandon()

    async def _stream(self, exchange: _Exchange, passage: Passage) -> None:
        """Events until their end, in which objects may be made. Without that the last one says what happened."""
        context, speaker = exchange.context, KEPT.speaker(exchange.asked)
        reader = StreamReader(speaker, KEPT.scanner(exchange.asked), exchange.secrets, context.request.id)
        await passage.relay(exchange.client, reader)
        passage.broken = passage.broken or reader.broken
        if passage.broken is not None and (last := reader.last_words()):
            exchange.client.write(last)
        await self._know(exchange, reader.made)

    async def _remember(self, exchange: _Exchange, shown: bytes) -> None:
        """Before its client has it."""
        asked, context = exchange.asked, exchange.context
        if asked.operation.deletes:
            try:
                await self._state.ledger.pins.forget(asked.ids[:1])
            except LedgerUnavailable as lost:
                log.warning("a deleted object is still known", extra={"request": context.request.id, "why": str(lost)})
            return
        made = [KEPT.id_in(shown)] if asked.operation.makes else []
        if context.request.method == "POST":
            made += KEPT.within(shown)
        await self._know(exchange, (*made, *KEPT.named_in(shown)))

    async def _correct(self, exchange: _Exchange, shown: bytes, body: bytes) -> None:
        """What went on in the background is booked as an estimate until somebody sees what it took."""
        asked, context = exchange.asked, exchange.context
        reported = KEPT.used_in(asked, shown, body)
        booking = None if reported is None else await self._stored.booking(context, asked.ids[0])
        if reported is not None and booking is not None:
            self._state.ledger.correct(booking.settlement, correction_of(context, booking, reported))

    async def _know(self, exchange: _Exchange, made: Iterable[str]) -> None:
        context = exchange.context
        ids = [id for id in made if id and id not in context.pins]
        if ids:
            await self._stored.remember(context, exchange.decision, exchange.replica, ids, answer=False)

    async def _list(self, exchange: _Exchange) -> tuple[int, str]:
        """A page of the team's own: the backend's list is gone through until there are enough, or no more."""
        context, client = exchange.context, exchange.client
        query = parse_qsl(context.request.query, keep_blank_values=True)
        asked_for = dict(query)
        if "before" in asked_for:
            raise ApiError(
                400, "invalid_query", "Lists are gone through forwards only here: use `after`.", param="before"
            )
        wanted, own, more = _wanted(asked_for, exchange.asked), [], True
        query = [each for each in query if each[0] not in ("limit", "after")]
        after, most = asked_for.get("after", ""), context.serving.plan.policy.server.max_answer_bytes
        for _ in range(MOST_PAGES):
            place = [("limit", str(PAGE)), *([("after", after)] if after else [])]
            passage = await self._send(exchange, urlencode(query + place))
            try:
                body = await passage.collect()
            finally:
                passage.abandon()
            page = KEPT.page_in(body) if passage.status == 200 else None
            if page is None:
                status = passage.status if passage.status >= 400 else 502
                body = exchange.relayed(status, body)
                client.respond(status, exchange.lines(passage), body)
                return status, "no list came"
            items, more = page
            own += await self._own(items, context.key.team, exchange.replica)
            if sum(len(item) for _, item in own) > most:
                raise UpstreamError(Fault.TOO_LARGE, f"server.max_answer_bytes is {most:,}")
            if len(own) > wanted or not more or not items or not items[-1][0]:
                break
            after = items[-1][0]
        else:
            if not own:
                message = f"None of the first {PAGE * MOST_PAGES:,} objects at the backend is of this team."
                raise ApiError(503, "list_too_long", message, retryable=False)
        more = len(own) > wanted or more
        body = exchange.secrets.out_of_answer(KEPT.page_of(body, own[:wanted], more=more))
        client.respond(200, exchange.lines(passage), body)
        return 200, ""

    async def _own(self, items: list[tuple[str, bytes]], team: str, replica: Replica) -> list[tuple[str, bytes]]:
        """Those of the team, where that replica keeps them."""
        try:
            found = await self._state.ledger.pins.find([id for id, _ in items])
        except LedgerUnavailable as lost:
            raise unknown_now(lost) from None
        own = {id for id, pin in found.items() if pin.team == team and pin.replica == replica.identity}
        return [each for each in items if each[0] in own]

    async def _send(self, exchange: _Exchange, query: str) -> Passage:
        """Until the head has come. Raises UpstreamError, and ApiError where it is not permitted any more."""
        for _ in range(_TRIES):
            passage = await self._try(exchange, query)
            if passage.broken is None or not passage.broken.stale:
                break
        if passage.status == 0:
            assert passage.broken is not None
            raise passage.broken
        if 300 <= passage.status < 400:
            passage.abandon()
            why = f"HTTP {passage.status}, a redirect, which is neither followed nor passed on"
            raise UpstreamError(Fault.BAD_RESPONSE, why)
        exchange.slot.report(Event.SUCCESS if passage.status < 500 else Event.FAILURE, self._loop.time())
        return passage

    async def _try(self, exchange: _Exchange, query: str) -> Passage:
        context, pool = exchange.context, exchange.replica.pool
        backend = context.serving.plan.policy.backends[exchange.replica.backend]
        connection: Connection = pool.take_idle() or await pool.connect(context.deadline - self._loop.time())
        # No await between this look and the first byte.
        if self._state.serving is not context.serving or self._state.keyring is not context.keyring:
            connection.abort()
            message = "The policy or the keys were changed while this was under way. Try again."
            raise ApiError(503, "policy_changed", message, retry_after=1, retryable=True)
        now = self._loop.time()
        passage = Passage(
            self._loop,
            connection,
            most=context.serving.plan.policy.server.max_answer_bytes,
            answers=self._state.answers,
            owner=context.key.name,
            first_byte=backend.answer_timeout,
            idle=backend.idle_timeout,
            latest=now + backend.stream_timeout,
        )
        target = pool.target
        path = exchange.asked.path + (f"?{query}" if query else "")
        head = target.request_head(context.request.method, path, _content_type(context.request))
        head += to_backend(context.request.headers, _SURFACE.expected_headers)
        head += b"content-length: %d\r\n\r\n" % len(context.body)
        connection.send(exchange.decision.permitted, head, context.body, passage, passage.on_due(now))
        try:
            await passage.head
        except asyncio.CancelledError:
            passage.abandon()
            raise
        return passage


class _RefusedError(Exception):
    """The backend does not take our credential, or our bill, which is no client's business. It may still take it for
    other things, so that its breaker is told nothing."""


class _Exchange:
    """One operation under way."""

    def __init__(
        self,
        asked: Asked,
        context: RequestContext,
        decision: Decision,
        slot: Slot,
        client: Client,
    ) -> None:
        self.asked = asked
        self.context = context
        self.decision = decision
        self.slot = slot
        self.replica = slot.replica
        self.client = client

    @property
    def secrets(self) -> Secrets:
        return self.context.serving.secrets

    def relayed(self, status: int, body: bytes) -> bytes:
        """The body of an error answer, as the client may see it. Raises _RefusedError."""
        body = shortened(body)
        cause = _SURFACE.error_cause(status, body)
        if cause in _OURS or (cause is ErrorCause.UNPAID and status != 429):
            raise _RefusedError(f"HTTP {status}")
        return _SURFACE.relayed_error(status, self.secrets.without(body))

    def lines(self, passage: Passage) -> bytes:
        context, route = self.context, self.decision.candidates[0].route
        where = told(route.backend, route.zone, self.decision.level, "kept-there")
        headers = passage.headers if passage.status < 400 else [(b"content-type", b"application/json")]
        return context.request.common + to_client(headers, context.request.id, self.secrets) + where


def _backend(asked: Asked, pins: Mapping[str, Pin], keeper: str) -> str:
    """Where it goes. Raises ApiError."""
    places = {(pin.backend, pin.replica) for pin in pins.values()}
    new = not asked.ids
    names = {backend for backend, _ in places} | ({keeper} if new and keeper else set())
    if len(places) > 1 or len(names) > 1:
        message = f"The objects that the request names are kept at different places ({', '.join(sorted(names))})."
        raise ApiError(400, "objects_apart", message, retryable=False)
    if not keeper and new:
        message = (
            f"No backend keeps {asked.operation.resource} here. An admin can name them under `resources` of a backend."
        )
        raise ApiError(404, "unknown_url", message, retryable=False)
    return names.pop()


def _error_status(shown: bytes) -> int:
    """Of an error that came with status 200; 0 for what is an object, which may have failed, or a list."""
    status = _SURFACE.error_status(shown)
    return 0 if status and (KEPT.id_in(shown) or KEPT.page_in(shown) is not None) else status


def _cursor(asked: Asked, request: Request) -> tuple[str, ...]:
    """Of a list: the object behind which it goes on."""
    if not asked.operation.lists:
        return ()
    return tuple(value for name, value in parse_qsl(request.query) if name == "after")


def _wanted(query: Mapping[str, str], asked: Asked) -> int:
    limit = query.get("limit", "")
    if limit.isdecimal() and len(limit) < 6:
        return max(1, min(int(limit), MOST_LISTED))
    return KEPT.default_limit(asked)


def _said(asked: Asked, request: Request, pins: Mapping[str, Pin]) -> bytes:
    """What a backend is told besides the body."""
    headers = [request.headers[name] for name in TO_BACKEND if name in request.headers]
    return said(asked.ids, request.query, [*headers, _content_type(request)], pins)


def _as_kept(
    facts: Facts,
    asked: Asked,
    pins: Mapping[str, Pin],
    heard: tuple[Label, ...],
    *,
    empty: bool,
    lowest: tuple[str, ...],
) -> Facts:
    """Without a body only path, query and headers say something, in which `heard` was found: it is as sensitive as
    that, as what is asked for, and as the client and the key say."""
    labels = facts.labels + heard
    if empty:
        given = tuple(label for label in facts.labels if label.source in ("header", "key")) + heard
        labels = given + (labels_of(pins.values()) if lowest else ())
        if lowest and all(label.level is None for label in labels):
            labels += (Label(lowest[0], (), "no content"),)
    return replace(facts, labels=labels, model=f"{PREFIX}/{asked.operation.resource}")


def _content_type(request: Request) -> str:
    """The client's, of a form that begins as it says; all else that has a body is JSON."""
    if not request.body:
        return ""
    given = request.headers.get("content-type", "")
    boundary = given.partition("=")[2].strip('"').encode(errors="replace")
    begins = bool(_FORM.fullmatch(given)) and request.body.startswith(b"--%b" % boundary)
    return given if begins else "application/json"


def _settlement(context: RequestContext, decision: Decision, hold: Hold, status: int, detail: str) -> Settlement:
    ended = int((monotonic() - context.arrived) * 1e6)
    course = RequestOutcome(
        request=context.request.id,
        level=decision.level,
        tags=decision.tags,
        reason="kept-there",
        status=status,
        attempts=1,
        first_byte=ended,
        duration=ended,
        detail=detail,
        endpoint=context.facts.endpoint,
    )
    return Settlement(
        id=hold.id,
        cell=hold.cell,
        at=hold.at,
        usage=_NOTHING,
        cost=0,
        counterfactual=0,
        error=status >= 400,
        eligible=False,
        course=course,
        local=hold.local_first,
        requests=1,
        counted=hold.counted,
    )
