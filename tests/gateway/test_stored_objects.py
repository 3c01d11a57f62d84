"""What a backend keeps for a client: only its team comes back to it, only there, and as sensitive as it was."""

from __future__ import annotations

import asyncio
import json
from hashlib import sha256

import pytest
from support.gateway import POLICY
from support.responses import ADDED, COMPLETED, CREATED, DELTA, response
from support.scripted import DONE, answer, completion, event, sound, stream
from support.waiting import until

from router.config.load import load
from router.core.pins import Pin

ASK = {"model": "chat", "messages": [{"role": "user", "content": "What is the capital of France?"}]}
CARD = {"role": "user", "content": "My card is 4111 1111 1111 1111"}
SEARCH, OTHER, SALES = ({"authorization": f"Bearer {name}"} for name in ("search-1", "search-2", "sales"))


def _key(name: str, team: str, more: str = "") -> str:
    return f'{{name: {name}, team: {team}, sha256: "{sha256(name.encode()).hexdigest()}"{more}}}'


KEYS = f"keys: [{_key('search-1', 'search')}, {_key('search-2', 'search')}, {_key('sales', 'sales')}]\n"
KEYED = POLICY + KEYS
CLOUD = KEYED.replace("local_first", "cloud_first").replace("default: public", "default: public\n  unreadable: public")


def about(*ids: str) -> dict:
    """A request that names files."""
    parts = [{"type": "file", "file": {"file_id": id}} for id in ids]
    return ASK | {"messages": [{"role": "user", "content": parts}]}


@pytest.fixture
def pin_at(backends):
    def make(gateway, backend: str, team: str = "search", **more) -> Pin:
        [replica] = gateway.fleet.backends[backend].replicas
        figures = {"model": "", "key": "search-1", "levels": ("public",)} | more
        return Pin(backend=backend, replica=replica.identity, team=team, **figures)

    return make


async def test_what_names_a_stored_object_goes_to_where_that_is(serve, backends, pin_at):
    gateway = await serve(CLOUD)
    gateway.ledger.pins.pins["file-1"] = pin_at(gateway, "gpu")
    status, headers, _ = await gateway.post(about("file-1"), SEARCH)
    assert (status, headers["x-breakeven-backend"]) == (200, "gpu")
    status, headers, _ = await gateway.post(ASK, SEARCH)
    assert (status, headers["x-breakeven-backend"]) == (200, "api")


async def test_it_goes_nowhere_else_when_that_fails(serve, backends, pin_at):
    gateway = await serve(CLOUD)
    gateway.ledger.pins.pins["file-1"] = pin_at(gateway, "gpu")
    backends["gpu"].default = answer(503, b'{"error":{}}')
    status, _, _ = await gateway.post(about("file-1"), SEARCH)
    assert status == 503 and not backends["api"].received


@pytest.mark.parametrize(("id", "who"), [("file-1", SALES), ("file-2", SEARCH)])
async def test_what_is_anothers_and_what_is_not_there_look_alike(serve, backends, pin_at, id, who):
    gateway = await serve(CLOUD)
    gateway.ledger.pins.pins["file-1"] = pin_at(gateway, "api")
    status, _, body = await gateway.post(about(id), who)
    assert status == 404 and json.loads(body)["error"]["message"] == f"File with id '{id}' not found."
    assert not backends["api"].received and not backends["gpu"].received


async def test_another_key_of_the_same_team_may_continue_it(serve, pin_at):
    gateway = await serve(CLOUD)
    gateway.ledger.pins.pins["file-1"] = pin_at(gateway, "api")
    status, headers, _ = await gateway.post(about("file-1"), OTHER)
    assert (status, headers["x-breakeven-backend"]) == (200, "api")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", ASK | {"messages": [{"role": "assistant", "audio": {"id": "ID"}}, CARD]}),
        ("/v1/responses", {"model": "chat", "input": [{"type": "code_interpreter_call", "container_id": "ID"}]}),
    ],
)
async def test_what_is_mentioned_may_be_nobodys_but_not_another_teams(serve, backends, pin_at, path, body):
    gateway = await serve(KEYED.replace("default: public", "default: public\n  unreadable: public"))
    gateway.ledger.pins.pins["kept_1"] = pin_at(gateway, "gpu")
    ask = json.loads(json.dumps(body).replace('"ID"', '"kept_1"'))
    status, _, answer = await gateway.post(ask, SALES, path=path)
    assert status == 404 and "kept_1" in str(answer)
    assert not backends["gpu"].requests and not backends["api"].requests
    unknown = json.loads(json.dumps(body).replace('"ID"', '"kept_2"'))
    assert (await gateway.post(unknown, SALES, path=path))[0] != 404


SPOKEN = ASK | {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}}
SOUND = {"id": "audio_1", "data": "//8=", "transcript": "Paris."}


@pytest.mark.parametrize("streams", [False, True])
async def test_what_was_said_in_sound_is_continued_where_it_was_said(serve, backends, streams):
    """Another team's next turn does not get it, and the same team's goes to no other backend."""
    gateway = await serve(CLOUD)
    whole = {"index": 0, "message": {"role": "assistant", "audio": SOUND}, "finish_reason": "stop"}
    part = {"index": 0, "delta": {"role": "assistant", "audio": SOUND}, "finish_reason": "stop"}
    answers = [{"id": "chatcmpl-1", "choices": [each]} for each in (whole, part)]
    said = b"data: " + json.dumps(answers[1]).encode() + b"\n\n"
    backends["api"].default = stream(said, DONE) if streams else answer(body=json.dumps(answers[0]).encode())
    status, headers, body = await gateway.post(SPOKEN | {"stream": streams}, SEARCH)
    assert (status, headers["x-breakeven-backend"], b"audio_1" in body) == (200, "api", True)
    backends["api"].default = answer(503, b"{}")
    turn = SPOKEN | {"messages": [{"role": "assistant", "audio": {"id": "audio_1"}}, ASK["messages"][0]]}
    assert (await gateway.post(turn, OTHER))[0] == 503 and not backends["gpu"].requests
    status, _, told = await gateway.post(turn, SALES)
    assert (status, b"audio_1" in told) == (404, True)


VOICED = [
    ("/v1/chat/completions", ASK | {"modalities": ["audio"], "audio": {"voice": "VOICE", "format": "wav"}}, answer()),
    ("/v1/audio/speech", {"model": "chat", "input": "Good day", "voice": "VOICE"}, sound(b"ID3")),
    ("/v1/responses", {"model": "chat", "input": "Good day", "audio": {"voice": "VOICE"}}, answer(body=response())),
]


@pytest.mark.parametrize(("path", "body", "told"), VOICED)
async def test_a_voice_speaks_for_its_own_team_alone(serve, backends, pin_at, path, body, told):
    """As an object or bare; one that nobody is known to have made is not there, and one that is built in is free."""
    price = "{input: 1, output: 1, audio_input: 1, audio_output: 1, characters: 15}"
    speaks = f"{{model: m, endpoints: [chat, responses, speech], price: {price}}}"
    gateway = await serve(CLOUD.replace("chat: gpt-4o-mini", f"chat: {speaks}"))
    gateway.ledger.pins.pins["voice_1"] = pin_at(gateway, "api")
    backends["api"].default = told

    async def status(voice: object, who: dict[str, str]) -> int:
        ask = json.loads(json.dumps(body).replace('"VOICE"', json.dumps(voice)))
        return (await gateway.post(ask, who, path=path))[0]

    for refused in ("voice_1", {"id": "voice_1"}, "voice_2", {"id": "voice_2"}, {"id": "mine"}):
        assert await status(refused, SALES) == 404
    assert not backends["api"].requests and not backends["gpu"].requests
    assert [await status(voice, OTHER) for voice in ("voice_1", {"id": "voice_1"}, "alloy")] == [200, 200, 200]
    assert await status("alloy", SALES) == 200
    assert len(backends["api"].requests) == 4 and not backends["gpu"].requests


async def test_one_foreign_id_among_many_is_enough(serve, backends, pin_at):
    gateway = await serve(CLOUD)
    gateway.ledger.pins.pins |= {
        "file-1": pin_at(gateway, "api"),
        "file-2": pin_at(gateway, "api", team="sales"),
    }
    status, _, _ = await gateway.post(about("file-1", "file-2"), SEARCH)
    assert status == 404 and not backends["api"].received


async def test_objects_at_two_places_cannot_be_named_together(serve, backends, pin_at):
    gateway = await serve(CLOUD)
    gateway.ledger.pins.pins |= {"file-1": pin_at(gateway, "api"), "file-2": pin_at(gateway, "gpu")}
    status, _, body = await gateway.post(about("file-1", "file-2"), SEARCH)
    assert (status, json.loads(body)["error"]["code"]) == (400, "objects_apart")
    assert not backends["api"].received and not backends["gpu"].received


async def test_a_restricted_object_is_not_continued_where_its_level_may_not_go(serve, backends, pin_at):
    gateway = await serve(CLOUD)
    gateway.ledger.pins.pins["file-1"] = pin_at(gateway, "api", levels=("public", "restricted"))
    status, headers, body = await gateway.post(about("file-1"), SEARCH)
    assert status == 400 and "file" not in headers["x-breakeven-backend"]
    assert "It continues what api keeps" in json.loads(body)["error"]["message"]
    assert headers["x-breakeven-sensitivity"] == "restricted" and not backends["api"].received


async def test_another_machine_of_the_same_name_does_not_have_it(serve, backends, pin_at, tmp_path):
    gateway = await serve(CLOUD)
    gateway.ledger.pins.pins["file-1"] = pin_at(gateway, "api")
    policy = tmp_path / "policy.yaml"
    policy.write_text(policy.read_text().replace(backends["api"].url, backends["api"].url + "/other"))
    gateway.adopt(load(policy))
    status, _, _ = await gateway.post(about("file-1"), SEARCH)
    assert status == 404 and not backends["api"].received


async def test_while_the_ledger_is_lost_it_is_not_known_whose_it_is(serve, backends, pin_at):
    gateway = await serve(CLOUD)
    gateway.ledger.pins.pins["file-1"] = pin_at(gateway, "gpu")
    gateway.ledger.available, gateway.ledger.why = False, "it is frozen"
    status, headers, body = await gateway.post(about("file-1"), SEARCH)
    assert (status, headers["retry-after"], headers["x-should-retry"]) == (503, "2", "true")
    assert "it is frozen" in json.loads(body)["error"]["message"]
    assert not backends["gpu"].received


async def test_a_stored_answer_is_known_before_its_client_has_it(serve, backends):
    gateway = await serve(CLOUD)
    status, _, body = await gateway.post(ASK | {"store": True}, SEARCH)
    pin = gateway.ledger.pins.pins[json.loads(body)["id"]]
    assert status == 200 and (pin.backend, pin.team, pin.key, pin.model) == ("api", "search", "search-1", "chat")
    assert pin.levels == ("public",) and gateway.ledger.pins.seconds["c1"] == 30 * 86_400


async def test_a_stored_stream_is_known_before_its_first_byte(serve, backends):
    gateway = await serve(CLOUD)
    known = asyncio.Event()

    async def remember(ids, pin, seconds):
        assert not writes
        known.set()
        await type(gateway.ledger.pins).remember(gateway.ledger.pins, ids, pin, seconds)

    writes: list[bytes] = []
    gateway.ledger.pins.remember = remember
    backends["api"].default = stream(event("Pa"), event("ris", "stop"), DONE)
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    body = json.dumps(ASK | {"store": True, "stream": True}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {len(body)}\r\n"
    writer.write(f"{head}authorization: {SEARCH['authorization']}\r\n\r\n".encode() + body)
    writes.append(await reader.read(1)) if known.is_set() else await known.wait()
    assert DONE[:-2] in await reader.read()
    writer.close()
    assert gateway.ledger.pins.pins["c1"].backend == "api"


async def test_what_is_not_stored_is_not_remembered(serve):
    gateway = await serve(CLOUD)
    for body in (ASK, ASK | {"store": False}, ASK | {"store": None}):
        assert (await gateway.post(body, SEARCH))[0] == 200
    assert gateway.ledger.pins.pins == {}


async def test_an_answer_keeps_the_level_of_its_request(serve):
    gateway = await serve(CLOUD)
    await gateway.post(ASK | {"messages": [CARD], "store": True}, SEARCH)
    pin = gateway.ledger.pins.pins["c1"]
    assert (pin.backend, pin.levels) == ("gpu", ("restricted",))


async def test_what_grows_is_as_sensitive_as_what_is_said_to_it_before_that_is_sent(serve, backends, pin_at):
    gateway = await serve(CLOUD)
    gateway.ledger.pins.pins["thread_1"] = pin_at(gateway, "gpu")
    seen = []

    async def look(reader, writer, request):
        seen.append(gateway.ledger.pins.pins["thread_1"].levels)
        await answer()(reader, writer, request)

    backends["gpu"].default = look
    parts = [{"type": "file", "file": {"file_id": "thread_1"}}, {"type": "text", "text": CARD["content"]}]
    body = ASK | {"messages": [{"role": "user", "content": parts}], "store": True}
    assert (await gateway.post(body, SEARCH))[0] == 200
    assert seen == [("public", "restricted")]
    assert gateway.ledger.pins.pins["c1"].levels == ("public", "restricted")


async def test_a_file_does_not_grow(serve, pin_at):
    gateway = await serve(CLOUD)
    gateway.ledger.pins.pins["file-1"] = pin_at(gateway, "gpu")
    body = about("file-1")
    body["messages"].append(CARD)
    assert (await gateway.post(body, SEARCH))[0] == 200
    assert gateway.ledger.pins.pins["file-1"].levels == ("public",)


async def test_an_answer_that_cannot_be_remembered_is_given_all_the_same(serve, backends):
    gateway = await serve(CLOUD)

    async def lose(reader, writer, request):
        gateway.ledger.available = False
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n")
        writer.write(b"content-length: %d\r\n\r\n%b" % (len(completion()), completion()))

    backends["api"].default = lose
    status, _, _ = await gateway.post(ASK | {"store": True}, SEARCH)
    assert status == 200 and gateway.ledger.pins.pins == {}


async def test_a_key_that_changes_its_team_meanwhile_takes_nothing_with_it(serve, backends, pin_at, tmp_path):
    gateway = await serve(CLOUD.replace("backoff: 1ms", "backoff: 1ms, max_backoff: 1ms"))
    gateway.ledger.pins.pins["file-1"] = pin_at(gateway, "api")
    policy = tmp_path / "policy.yaml"

    async def edit(reader, writer, request):
        policy.write_text(policy.read_text().replace("team: search", "team: another"))
        gateway.adopt(load(policy))
        await answer(503, b'{"error":{}}')(reader, writer, request)

    backends["api"].script.append(edit)
    status, _, _ = await gateway.post(about("file-1"), SEARCH)
    await until(lambda: len(backends["api"].requests) == 1)
    assert status == 503


async def test_too_many_ids_are_refused(serve):
    gateway = await serve(CLOUD)
    status, _, body = await gateway.post(about(*(f"file-{number}" for number in range(501))), SEARCH)
    assert (status, json.loads(body)["error"]["code"]) == (400, "too_many_objects")


# --- responses, which are kept unless their client says no

RESPONSES = "/v1/responses"
TALK = {"model": "chat", "input": "Capital of France?"}


def response(id: str) -> bytes:
    usage = {"input_tokens": 11, "output_tokens": 7, "total_tokens": 18}
    return json.dumps({"id": id, "object": "response", "status": "completed", "output": [], "usage": usage}).encode()


async def test_a_conversation_stays_where_it_began_and_never_becomes_less_sensitive(serve, backends):
    gateway = await serve(CLOUD)
    backends["gpu"].default = answer(body=response("resp_1"))
    card = TALK | {"input": "My card is 4111 1111 1111 1111"}
    _, headers, _ = await gateway.post(card, SEARCH, path=RESPONSES)
    assert headers["x-breakeven-backend"] == "gpu"
    backends["gpu"].default = answer(body=response("resp_2"))
    status, headers, _ = await gateway.post(TALK | {"previous_response_id": "resp_1"}, OTHER, path=RESPONSES)
    assert (status, headers["x-breakeven-backend"]) == (200, "gpu")
    assert headers["x-breakeven-sensitivity"] == "restricted"
    assert gateway.ledger.pins.pins["resp_2"].levels == ("restricted",)
    status, _, body = await gateway.post(TALK | {"previous_response_id": "resp_2"}, SALES, path=RESPONSES)
    error = json.loads(body)["error"]
    assert (status, error["code"], error["param"]) == (400, "previous_response_not_found", "previous_response_id")
    assert error["message"] == "Previous response with id 'resp_2' not found." and not backends["api"].received


async def test_a_streamed_response_is_known_by_its_first_event(serve, backends):
    gateway = await serve(CLOUD)
    parts = (CREATED, ADDED, DELTA, COMPLETED)
    backends["api"].default = stream(*parts)
    status, _, body = await gateway.post(TALK | {"stream": True}, SEARCH, path=RESPONSES)
    assert (status, body) == (200, b"".join(parts))
    assert {id: pin.backend for id, pin in gateway.ledger.pins.pins.items()} == {"resp_1": "api", "msg_1": "api"}
    await gateway.post(TALK | {"stream": True, "store": False}, SALES, path=RESPONSES)
    assert len(gateway.ledger.pins.pins) == 2
