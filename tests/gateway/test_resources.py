"""Objects that a provider keeps, through a whole gateway: shown to their own team, and to nobody else."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from functools import partial
from hashlib import sha256
from typing import Any

import openai
import pytest
from support.compiled import interpreted_only
from support.gateway import Gateway, start_gateway, stop_gateway
from support.keeping import CONTENT, RUN, Keeper

from router.config.load import load
from router.gateway import resources
from router.surfaces.long_json import LONG
from router.surfaces.registry import KEPT

TEAMS = {"search-1": "search", "search-2": "search", "sales": "sales"}
KEYS = ", ".join(
    f'{{name: {name}, team: {team}, sha256: "{sha256(name.encode()).hexdigest()}"}}' for name, team in TEAMS.items()
)
POLICY = f"""
version: 1
zones: {{local: {{owned: true}}, cloud: {{}}}}
backends:
  api: {{zone: cloud, kind: openai, url: %(api)s, serves: {{chat: gpt-4o-mini}}, api_key: "env:OPENAI_API_KEY",
        resources: all}}
  gpu: {{zone: local, kind: openai, url: %(gpu)s, serves: {{chat: tiny}}, cost: {{usd_per_hour: 1.0}}}}
models: {{chat: {{backends: [gpu, api]}}}}
sensitivity:
  levels: {{public: [local, cloud], restricted: [local]}}
  default: public
  detectors: [{{find: [credit_card], raise_to: restricted}}]
keys: [{KEYS}]
secrets: {{OPENAI_API_KEY: ["%(host)s"]}}
"""
CARD = "Her card is 4111 1111 1111 1111."
KEY = "sk-the-providers-own-secret"


@pytest.fixture
async def keeper() -> AsyncIterator[Keeper]:
    made = Keeper()
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def serve(tmp_path, keeper, clock, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    started: list[Gateway] = []

    async def start(policy: str = POLICY) -> Gateway:
        host = keeper.url.removeprefix("http://").removesuffix("/v1")
        urls = {"api": keeper.url, "gpu": "http://127.0.0.1:1/v1", "host": host}
        started.append(await start_gateway(tmp_path, policy, urls, clock))
        started[-1].adopt(load(tmp_path / "policy.yaml", with_secrets=True))
        return started[-1]

    yield start
    for gateway in started:
        await stop_gateway(gateway)


@pytest.fixture
async def gateway(serve) -> Gateway:
    return await serve()


class Client:
    """One key's, by hand."""

    def __init__(self, gateway: Gateway, key: str) -> None:
        self._gateway, self._key = gateway, key

    async def ask(
        self, method: str, path: str, body: Any = None, kind: str = "application/json", **headers: str
    ) -> tuple[int, dict[str, str], Any]:
        content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        lines = f"{method} /v1{path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {self._key}\r\nconnection: close\r\n"
        lines += "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        if body is not None:
            lines += f"content-type: {kind}\r\ncontent-length: {len(content)}\r\n"
        status, given, answer = await self._gateway.exchange(f"{lines}\r\n".encode() + content)
        is_json = "json" in given.get("content-type", "")
        return status, given, json.loads(answer) if is_json and answer else answer


@pytest.fixture
def of(gateway):
    return lambda key: Client(gateway, key)


def form(content: bytes, name: str = "notes.txt", purpose: str = "assistants", boundary: str = "b0undary") -> tuple:
    parts = (
        f'--{boundary}\r\ncontent-disposition: form-data; name="purpose"\r\n\r\n{purpose}\r\n'
        f'--{boundary}\r\ncontent-disposition: form-data; name="file"; filename="{name}"\r\n'
        "content-type: application/octet-stream\r\n\r\n"
    )
    return parts.encode() + content + f"\r\n--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


async def upload(client: Client, content: bytes = b"Nothing special.", **more: Any) -> tuple[int, dict[str, str], Any]:
    body, kind = form(content, **more)
    return await client.ask("POST", "/files", body, kind)


# --- whose it is


async def test_a_file_is_its_teams_and_nobody_elses(of, keeper):
    status, headers, made = await upload(of("search-1"))
    assert (status, headers["x-breakeven-backend"], headers["x-breakeven-reason"]) == (200, "api", "kept-there")
    for method, path in (("GET", ""), ("GET", "/content"), ("DELETE", "")):
        status, _, answer = await of("sales").ask(method, f"/files/{made['id']}{path}")
        assert (status, answer["error"]["message"]) == (404, f"File with id '{made['id']}' not found.")
    assert [method for method, _, _ in keeper.asked] == ["POST"], "nothing of it left"
    assert (await of("search-2").ask("GET", f"/files/{made['id']}"))[2] == made
    status, _, answer = await of("search-2").ask("DELETE", f"/files/{made['id']}")
    assert (status, answer["deleted"]) == (200, True)
    assert (await of("search-1").ask("GET", f"/files/{made['id']}"))[0] == 404


async def test_what_was_made_past_the_gateway_is_nobodys(of, keeper):
    assert (await of("search-1").ask("GET", f"/files/{keeper.make('files')}"))[0] == 404
    assert not keeper.asked


async def test_a_content_of_any_size_is_passed_on(of):
    _, _, made = await upload(of("search-1"))
    status, headers, body = await of("search-1").ask("GET", f"/files/{made['id']}/content")
    assert (status, body, headers["transfer-encoding"]) == (200, CONTENT, "chunked")


async def test_the_providers_credential_is_sent_and_the_clients_is_not(of, keeper):
    await upload(of("search-1"))
    assert f"authorization: Bearer {KEY}" in keeper.heads[0] and "search-1" not in keeper.heads[0]
    assert "multipart/form-data; boundary=b0undary" in keeper.heads[0]


async def test_a_boundary_is_a_text_that_leaves_as_little_as_others(of, keeper):
    assert (await upload(of("search-1"), boundary="B4111111111111111"))[0] == 403
    body, _ = form(b"Nothing special.")
    await of("search-1").ask("POST", "/files", body, "multipart/form-data; boundary=B4111111111111111")
    assert not any("4111" in head for head in keeper.heads)


@pytest.mark.parametrize("content", [b"\xff\xd8\xff\xe0", b"gr\xfc\xdfe", b"%PDF-1.7\n\xe2\xe3\xcf\xd3"])
async def test_what_is_no_text_cannot_be_read_and_so_stays(of, keeper, content):
    status, _, answer = await upload(of("search-1"), content)
    assert (status, keeper.asked) == (403, []), answer


@pytest.mark.parametrize(
    ("collection", "body"),
    [
        ("conversations", {}),
        ("vector_stores", {"name": "shelf"}),
        ("evals", {"name": "e"}),
        ("skills", {}),
        ("assistants", {"model": "gpt-4o"}),
        ("threads", {}),
        ("uploads", {"filename": "a.txt", "bytes": 5, "purpose": "assistants"}),
        ("containers", {"name": "c"}),
        ("batches", {}),
        ("videos", {"prompt": "a cat"}),
        ("fine_tuning/jobs", {"model": "gpt-4o"}),
    ],
)
async def test_every_kind_is_its_teams(of, collection, body):
    status, _, made = await of("search-1").ask("POST", f"/{collection}", body)
    assert status == 200
    inner = {"uploads": "/cancel", "fine_tuning/jobs": "/cancel", "batches": "/cancel"}
    method, path = (
        ("POST", f"/{collection}/{made['id']}{inner[collection]}")
        if collection in inner
        else (
            "GET",
            f"/{collection}/{made['id']}",
        )
    )
    assert (await of("search-2").ask(method, path))[0] == 200
    assert (await of("sales").ask(method, path))[0] == 404


async def known(gateway: Gateway, key: str) -> dict[str, str]:
    """An object of each kind that the key's team has, by where paths name it."""
    made = {}
    for operation in KEPT.operations:
        if operation.makes and len(operation.pattern) <= 2 and operation.method == "POST":
            collection = "/".join(operation.pattern)
            made[collection] = (await Client(gateway, key).ask("POST", f"/{collection}", {}))[2]["id"]
    for collection, ask in (
        ("responses", {"model": "chat", "input": "Hi"}),
        ("chat/completions", {"model": "chat", "store": True, "messages": [{"role": "user", "content": "Hi"}]}),
    ):
        made[collection] = (await Client(gateway, key).ask("POST", f"/{collection}", ask))[2]["id"]
    return made


async def test_no_place_in_any_path_query_or_body_takes_another_teams_object(gateway, keeper):
    own, others = await known(gateway, "sales"), await known(gateway, "search-1")
    client, before = Client(gateway, "sales"), len(keeper.asked)
    id = others["files"]
    for operation in KEPT.operations:
        first = operation.pattern.index("") if "" in operation.pattern else len(operation.pattern)
        mine, theirs = (made.get("/".join(operation.pattern[:first]), "") for made in (own, others))
        segments = [segment or (mine if at == first else "inner_1") for at, segment in enumerate(operation.pattern)]
        path = "/" + "/".join(segments)
        body = {} if operation.method == "POST" else None
        tried = [(f"{path}?{query}", body) for query in (f"after={id}", f"after[]={id}", f"%61fter=%66{id[1:]}", id)]
        tried += [(f"{path}?run_id={id}&limit=1", body), (f"{path}?after={mine or own['files']}&after={id}", body)]
        tried += [(path, {"file_id": id})] if body is not None else []
        for at, segment in enumerate(operation.pattern):
            if not segment:
                foreign = theirs if at == first else id
                tried.append(("/" + "/".join([*segments[:at], foreign, *segments[at + 1 :]]), body))
        for asked, content in tried:
            status, _, _ = await client.ask(operation.method, asked, content)
            assert status == 404, (operation.method, asked)
    assert len(keeper.asked) == before


async def test_what_is_nobodys_within_an_own_object_is_for_the_provider_to_know(of, keeper):
    _, _, made = await of("search-1").ask("POST", "/conversations", {})
    for path in ("/items/msg_1", "/items?after=msg_1"):
        assert (await of("search-2").ask("GET", f"/conversations/{made['id']}{path}"))[0] == 200


async def test_what_a_streamed_run_makes_is_its_teams(of, gateway):
    policy = {"assistant_id": (await of("search-1").ask("POST", "/assistants", {}))[2]["id"], "stream": True}
    _, _, thread = await of("search-1").ask("POST", "/threads", {})
    status, headers, body = await of("search-1").ask("POST", f"/threads/{thread['id']}/runs", policy)
    assert (status, headers["content-type"], body.startswith(RUN)) == (200, "text/event-stream", True)
    made = {"run_00000001", "msg_00000001", "step_00000001"}
    assert made <= gateway.ledger.pins.pins.keys()
    assert {gateway.ledger.pins.pins[id].team for id in made} == {"search"}
    _, _, other = await of("sales").ask("POST", "/threads", {})
    for path in ("runs/run_00000001", "messages/msg_00000001"):
        assert (await of("search-2").ask("GET", f"/threads/{thread['id']}/{path}"))[0] == 200
        assert (await of("sales").ask("GET", f"/threads/{other['id']}/{path}"))[0] == 404


# --- who is named in bodies


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/vector_stores", {"file_ids": ["ID"]}),
        ("/vector_stores", {"name": "x", "deep": [{"er": {"anything": "ID"}}]}),
        ("/batches", {"input_file_id": "ID", "endpoint": "/v1/responses"}),
        ("/fine_tuning/jobs", {"training_file": "ID", "model": "m"}),
        (
            "/conversations",
            {"items": [{"role": "user", "content": [{"type": "input_text", "text": "Hi", "file_id": "ID"}]}]},
        ),
        ("/evals", {"data_source_config": {"source": {"type": "file_id", "id": "ID"}}}),
        ("/containers", {"name": "c", "file_ids": ["ID"]}),
    ],
)
async def test_another_teams_file_cannot_be_named_in_a_body(of, keeper, path, body):
    _, _, made = await upload(of("search-1"))
    before = len(keeper.asked)
    named = json.loads(json.dumps(body).replace("ID", made["id"]))
    status, _, answer = await of("sales").ask("POST", path, named)
    assert status == 404 and made["id"] in answer["error"]["message"] and len(keeper.asked) == before
    assert (await of("search-2").ask("POST", path, named))[0] == 200


async def test_an_id_in_metadata_is_the_clients_own_business(of):
    _, _, made = await upload(of("search-1"))
    body = {"metadata": {"about": made["id"]}}
    assert (await of("sales").ask("POST", "/conversations", body))[0] == 200


async def test_a_batchs_lines_name_own_objects_only(of, keeper):
    _, _, made = await upload(of("search-1"))
    request = {"file_id": made["id"]}
    line = json.dumps({"custom_id": made["id"], "method": "POST", "url": "/v1/responses", "body": request}).encode()
    assert (await upload(of("sales"), line, name="b.jsonl", purpose="batch"))[0] == 404
    assert (await upload(of("search-2"), line, name="b.jsonl", purpose="batch"))[0] == 200
    line = json.dumps({"custom_id": made["id"], "body": {}}).encode()
    assert (await upload(of("sales"), line, name="b.jsonl", purpose="batch"))[0] == 200


async def test_what_a_batch_puts_out_is_its_teams(of):
    _, _, made = await of("search-1").ask("POST", "/batches", {})
    assert (await of("search-2").ask("GET", f"/files/{made['output_file_id']}"))[0] == 200
    assert (await of("sales").ask("GET", f"/files/{made['output_file_id']}"))[0] == 404


async def test_what_an_upload_becomes_is_its_teams(of):
    _, _, made = await of("search-1").ask("POST", "/uploads", {"filename": "a", "bytes": 1, "purpose": "assistants"})
    _, _, done = await of("search-1").ask("POST", f"/uploads/{made['id']}/complete", {"part_ids": ["part_1"]})
    assert (await of("search-2").ask("GET", f"/files/{done['file']['id']}"))[0] == 200


# --- lists


async def test_a_list_has_a_teams_own_in_their_order_over_all_pages(of, keeper):
    own = []
    for number in range(7):
        own.append((await upload(of("search-1")))[2]["id"])
        for _ in range(60):
            keeper.make("files")
        if number % 2:
            await upload(of("sales"))
    listed, after = [], ""
    while True:
        status, _, page = await of("search-2").ask("GET", f"/files?limit=3{after}")
        assert status == 200 and len(page["data"]) <= 3
        assert (page["first_id"], page["last_id"]) == (page["data"][0]["id"], page["data"][-1]["id"])
        listed += [each["id"] for each in page["data"]]
        if not page["has_more"]:
            break
        after = f"&after={page['last_id']}"
    assert listed == own


async def test_an_empty_list_is_whole(of, keeper):
    for _ in range(250):
        keeper.make("files")
    status, _, page = await of("search-1").ask("GET", "/files")
    assert (status, page["data"], page["has_more"], page["first_id"], page["last_id"]) == (200, [], False, None, None)


async def test_a_list_does_not_go_on_behind_another_teams_object(of, keeper):
    _, _, made = await upload(of("search-1"))
    status, _, _ = await of("sales").ask("GET", f"/files?after={made['id']}")
    assert status == 404 and len(keeper.asked) == 1


async def test_a_list_that_is_too_long_to_be_gone_through_says_so(of, keeper):
    for _ in range(5_001):
        keeper.make("files")
    status, _, answer = await of("search-1").ask("GET", "/files")
    assert (status, answer["error"]["code"]) == (503, "list_too_long")


async def test_openais_own_client_goes_through_all_pages(gateway, of, keeper):
    for _ in range(30):
        keeper.make("batches")
        await of("search-1").ask("POST", "/batches", {})
    client = openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key="search-2", max_retries=0)
    assert len([each async for each in client.batches.list(limit=4)]) == 30
    made = await client.files.create(file=("a.txt", b"Hello."), purpose="assistants")
    assert (await client.files.retrieve(made.id)).id == made.id
    assert (await client.files.content(made.id)).content == CONTENT
    conversation = await client.conversations.create(items=[{"type": "message", "role": "user", "content": "Hi"}])
    assert (await client.conversations.items.list(conversation.id)).data
    assert (await client.files.delete(made.id)).deleted
    with pytest.raises(openai.NotFoundError, match="not found"):
        await client.files.retrieve(made.id)
    await client.close()


# --- stored answers


async def test_a_stored_answer_is_asked_for_where_it_is(of, gateway, keeper):
    policy = {"model": "chat", "input": "Hi"}
    status, _, made = await of("search-1").ask("POST", "/responses", policy, x_breakeven_quality="0")
    assert status == 200
    path = f"/responses/{made['id']}"
    assert (await of("search-2").ask("GET", path))[0] == 200
    assert (await of("search-2").ask("GET", f"{path}/input_items"))[0] == 200
    status, headers, body = await of("search-2").ask("GET", f"{path}?stream=true&starting_after=3")
    assert (status, headers["content-type"], body[:6]) == (200, "text/event-stream", b"event:")
    assert keeper.asked[-1][1] == f"{path}?stream=true&starting_after=3"
    assert (await of("search-2").ask("POST", f"{path}/cancel"))[0] == 200
    for method, inner in (("GET", ""), ("GET", "/input_items"), ("POST", "/cancel"), ("DELETE", "")):
        assert (await of("sales").ask(method, path + inner))[0] == 404
    assert (await of("search-1").ask("DELETE", path))[0] == 200
    assert (await of("search-1").ask("GET", path))[0] == 404


async def test_stored_completions_are_their_teams(of):
    ask = {"model": "chat", "store": True, "messages": [{"role": "user", "content": "Hi"}]}
    _, _, made = await of("search-1").ask("POST", "/chat/completions", ask)
    path = f"/chat/completions/{made['id']}"
    assert (await of("search-2").ask("GET", path))[2]["id"] == made["id"]
    assert (await of("search-2").ask("POST", path, {"metadata": {"a": "b"}}))[0] == 200
    assert [each["id"] for each in (await of("search-2").ask("GET", "/chat/completions"))[2]["data"]] == [made["id"]]
    assert (await of("sales").ask("GET", "/chat/completions"))[2]["data"] == []
    assert (await of("sales").ask("GET", path))[0] == 404


# --- the gate


@pytest.mark.parametrize(
    "content",
    [
        CARD.encode(),
        json.dumps({"custom_id": "1", "body": {"input": CARD}}).encode(),
        b'{"custom_id": "1", "body": {"input": "Her card is \\u0034111 1111 1111 1111."}}',
        b'{"custom_id": "1", "body": {"input": "{\\"card\\": \\"\\\\u0034111-1111-1111-1111\\"}"}}',
        b"\x89PNG\r\n",
        b"%PDF-1.7 (text)",
    ],
    ids=["text", "jsonl", "escaped", "escaped twice", "picture", "document"],
)
async def test_what_may_not_leave_is_not_uploaded(of, keeper, content):
    status, headers, answer = await upload(of("search-1"), content)
    assert (status, answer["error"]["code"]) == (403, "egress_denied")
    assert headers["x-breakeven-sensitivity"] == "restricted" and not keeper.asked


SECRET = "sk-proj-" + "aB3dE5fG7h" * 5


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/files?purpose=4111111111111111", None),
        ("GET", "/files?purpose=%34111%2D1111%2D1111%2D1111", None),
        ("GET", "/files?purpose=%2534111-1111-1111-1111", None),
        ("GET", "/files?note=4111+1111+1111+1111", None),
        ("GET", "/files?a=4111&b=1111&c=1111&d=1111", None),
        ("GET", "/files?4111111111111111", None),
        ("GET", f"/files?note={SECRET}", None),
        ("GET", "/conversations/ID/items?note=4111-1111-1111-1111", None),
        ("GET", "/conversations/ID?after=ID&note=4111-1111-1111-1111", None),
        ("GET", "/conversations/ID/items/4111111111111111", None),
        ("DELETE", "/conversations/ID/items/4111-1111-1111-1111", None),
        ("DELETE", "/conversations/ID/items/%34111111111111111", None),
        ("POST", f"/conversations?note={SECRET}", {"metadata": {}}),
        ("POST", "/conversations/ID?note=4111-1111-1111-1111", {"metadata": {"a": "b" * 40_000}}),
    ],
)
async def test_what_may_not_leave_does_not_in_a_path_or_a_query(serve, keeper, method, path, body):
    gateway = await serve(POLICY.replace("[credit_card]", "[credit_card, api_key]"))
    _, _, made = await Client(gateway, "search-1").ask("POST", "/conversations", {})
    before = len(keeper.asked)
    status, headers, answer = await Client(gateway, "search-1").ask(method, path.replace("ID", made["id"]), body)
    assert (status, answer["error"]["code"]) == (403, "egress_denied") and len(keeper.asked) == before
    assert headers["x-breakeven-sensitivity"] == "restricted"
    assert "4111" not in json.dumps(answer) and SECRET not in json.dumps(answer)


async def test_what_may_not_leave_does_not_in_a_header(of, keeper):
    status, _, _ = await of("search-1").ask("GET", "/files", openai_beta="4111-1111-1111-1111")
    assert status == 403 and not keeper.asked


async def test_a_large_text_is_read_too(of, keeper):
    text = b"nothing special " * 10_000
    assert (await upload(of("search-1"), text))[0] == 200
    assert (await upload(of("search-1"), text + CARD.encode() + text))[0] == 403


async def test_a_restricted_text_is_not_added_to_a_conversation_in_the_cloud(of, gateway, keeper):
    _, _, made = await of("search-1").ask("POST", "/conversations", {})
    items = {"items": [{"type": "message", "role": "user", "content": CARD}]}
    before = len(keeper.asked)
    assert (await of("search-1").ask("POST", f"/conversations/{made['id']}/items", items))[0] == 403
    assert len(keeper.asked) == before and gateway.ledger.pins.pins[made["id"]].levels == ("public",)


async def test_a_key_that_may_not_reach_the_zone_keeps_and_reads_nothing_there(serve, keeper, tmp_path):
    gateway = await serve()
    _, _, made = await upload(Client(gateway, "search-1"))
    policy = tmp_path / "policy.yaml"
    policy.write_text(policy.read_text().replace("name: search-2,", "name: search-2, zones: [local],"))
    gateway.adopt(load(policy, with_secrets=True))
    before = len(keeper.asked)
    for method, path, body in (
        ("GET", f"/files/{made['id']}", None),
        ("DELETE", f"/files/{made['id']}", None),
        ("GET", "/files", None),
        ("POST", "/conversations", {}),
    ):
        assert (await Client(gateway, "search-2").ask(method, path, body))[0] == 403
    assert len(keeper.asked) == before


async def test_a_policy_that_closes_the_zone_closes_what_is_there(serve, keeper, tmp_path):
    gateway = await serve()
    _, _, made = await upload(Client(gateway, "search-1"))
    policy = tmp_path / "policy.yaml"
    policy.write_text(policy.read_text().replace("public: [local, cloud]", "public: [local]"))
    gateway.adopt(load(policy, with_secrets=True))
    before = len(keeper.asked)
    assert (await Client(gateway, "search-1").ask("GET", f"/files/{made['id']}"))[0] == 403
    assert len(keeper.asked) == before


async def test_a_key_that_was_replaced_leaves_its_team_what_it_made(serve, tmp_path):
    gateway = await serve()
    _, _, made = await upload(Client(gateway, "search-1"))
    policy = tmp_path / "policy.yaml"
    old, new = (sha256(name.encode()).hexdigest() for name in ("search-1", "search-3"))
    policy.write_text(policy.read_text().replace(old, new))
    gateway.adopt(load(policy, with_secrets=True))
    assert (await Client(gateway, "search-1").ask("GET", f"/files/{made['id']}"))[0] == 401
    assert (await Client(gateway, "search-3").ask("GET", f"/files/{made['id']}"))[0] == 200


# --- what is no id, and no path


@pytest.mark.parametrize(
    "path",
    [
        "/files/..",
        "/files/%2e%2e",
        "/files/%2e%2e/content",
        "/files/file-1%2Fcontent",
        "/files/file-1%2f..%2f..%2fmodels",
        "/files/file-1%0d%0ax",
        "/files/" + "a" * 129,
        "/files/file-1%3Fx",
        "/files/file%2500",
        "/conversations/conv_1/items/../../../files",
        "/organization/users",
        "/agents",
    ],
)
async def test_what_could_be_another_path_is_none(of, keeper, path):
    assert (await of("search-1").ask("GET", path))[0] == 404
    assert not keeper.asked


@pytest.mark.parametrize("query", ["?x=%0d%0a", "?x=<a>", "?" + "a" * 2100, "?x=\x7f"])
async def test_a_query_with_odd_characters_is_not_passed_on(of, keeper, query):
    status, _, _ = await of("search-1").ask("GET", f"/files{query}")
    assert status in (200, 400) and all("\r" not in target and "<" not in target for _, target, _ in keeper.asked)


async def test_a_path_takes_its_own_methods(of):
    status, headers, _ = await of("search-1").ask("DELETE", "/files")
    assert (status, headers["allow"]) == (405, "GET, POST")
    assert (await of("search-1").ask("HEAD", "/files"))[0] == 405


async def test_nobody_asks_without_a_key(gateway, keeper):
    status, _, _ = await gateway.exchange(b"GET /v1/files HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    assert status == 401 and not keeper.asked


async def test_without_a_backend_that_keeps_them_there_are_none(serve, keeper):
    gateway = await serve(POLICY.replace("resources: all", "resources: [files]"))
    status, _, answer = await Client(gateway, "search-1").ask("POST", "/conversations", {})
    assert status == 404 and "`resources`" in answer["error"]["message"]
    assert (await upload(Client(gateway, "search-1")))[0] == 200


# --- money, records, the ledger


async def test_it_is_seen_and_costs_nothing(of, gateway):
    await upload(of("search-1"))
    await of("search-1").ask("GET", "/files")
    [row] = gateway.rows()
    assert (row.cell.model, row.cell.backend, row.cell.key) == ("/v1/files", "api", "search-1")
    assert (row.requests, row.errors, row.input, row.output, row.cost) == (2, 0, 0, 0, 0)
    assert [record.kind for record in gateway.ledger.records] == ["settled", "settled"]
    assert not gateway.ledger.holds


@pytest.mark.parametrize("path", ["/batches", "/fine_tuning/jobs", "/videos", "/containers"])
async def test_what_no_limit_can_hold_is_not_begun_where_limits_apply(serve, keeper, path):
    limited = POLICY.replace("keys:", "teams: {search: {budget: {usd_per_day: 5}}}\nkeys:")
    gateway = await serve(limited)
    status, _, answer = await Client(gateway, "search-1").ask("POST", path, {})
    assert (status, answer["error"]["code"]) == (403, "spending_not_bounded") and not keeper.asked
    assert (await Client(gateway, "sales").ask("POST", path, {}))[0] == 200
    gateway = await serve(limited.replace("resources: all", "resources: all, resources_spend: true"))
    assert (await Client(gateway, "search-1").ask("POST", path, {}))[0] == 200


async def test_a_key_of_some_models_begins_nothing_that_names_others(serve, keeper):
    gateway = await serve(POLICY.replace("name: sales,", "name: sales, models: [chat],"))
    assert (await Client(gateway, "sales").ask("POST", "/batches", {}))[0] == 403
    assert (await Client(gateway, "sales").ask("POST", "/conversations", {}))[0] == 200


async def test_requests_are_limited_as_any(serve):
    limited = POLICY.replace("keys:", "teams: {search: {budget: {requests_per_minute: 2}}}\nkeys:")
    gateway = await serve(limited)
    statuses = [(await Client(gateway, "search-1").ask("GET", "/files"))[0] for _ in range(3)]
    assert statuses == [200, 200, 429]


async def test_while_the_ledger_is_lost_nothing_is_made_or_shown(of, gateway, keeper):
    gateway.ledger.available, gateway.ledger.why = False, "it is frozen"
    for method, path, body in (("GET", "/files", None), ("POST", "/conversations", {}), ("GET", "/files/file-1", None)):
        status, headers, answer = await of("search-1").ask(method, path, body)
        assert (status, headers["x-should-retry"]) == (503, "true") and "it is frozen" in answer["error"]["message"]
    assert not keeper.asked


async def test_a_provider_that_is_gone_is_an_error(of, gateway, keeper):
    await keeper.stop()
    status, _, answer = await upload(of("search-1"))
    assert (status, answer["error"]["code"]) == (502, "backend_unavailable")
    assert KEY not in json.dumps(answer)
    [record] = gateway.ledger.records
    assert record.status == 502


async def test_the_providers_errors_are_the_clients(of, keeper):
    _, _, made = await upload(of("search-1"))
    keeper.kept.clear()
    status, _, answer = await of("search-1").ask("GET", f"/files/{made['id']}")
    assert (status, answer["error"]["message"]) == (404, f"No such object: {made['id']}")


@interpreted_only
async def test_of_a_long_answer_an_outline_is_read_and_the_client_gets_all_of_it(of, keeper, monkeypatch):
    full = b'{"id":"file-1","object":"file","data":[' + b"{}," * 300_000 + b"{}]}"
    monkeypatch.setattr(keeper, "_answer", lambda *asked: (200, "application/json", full))
    read: list[int] = []
    for name in ("id_in", "within", "named_in"):
        monkeypatch.setattr(KEPT, name, partial(noted, read, getattr(KEPT, name)))
    status, _, answer = await upload(of("search-1"))
    assert (status, len(answer["data"])) == (200, 300_001)
    assert len(read) >= 3 and max(read) < LONG


def noted(read, known, shown):
    read.append(len(shown))
    return known(shown)


@interpreted_only
async def test_a_list_has_no_more_bytes_than_an_answer_may(serve, keeper, monkeypatch):
    monkeypatch.setattr(resources, "PAGE", 1)
    gateway = await serve(POLICY + "server: {max_answer_bytes: 100000}\n")
    client = Client(gateway, "search-1")
    for _ in range(3):
        made = (await upload(client))[2]
        keeper.kept[made["id"]]["filename"] = "x" * 45_000
    status, _, answer = await client.ask("GET", "/files")
    assert status == 502 and "max_answer_bytes" in answer["error"]["message"]
