"""The document says what the table says."""

from __future__ import annotations

import re

from router.admin.openapi import document
from router.admin.routes import ROUTES

DOCUMENT = document(ROUTES, "1.2.3")


def references(value: object) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*map(references, value.values()))
    return set().union(*map(references, value)) if isinstance(value, list) else set()


def test_every_route_is_in_it_with_its_role():
    listed = {
        (method.upper(), path, operation["x-role"])
        for path, operations in DOCUMENT["paths"].items()
        for method, operation in operations.items()
    }
    assert listed == {(route.method, route.path, str(route.access)) for route in ROUTES}


def test_every_type_that_it_names_is_described():
    assert references(DOCUMENT) == {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]}


def test_operations_have_ids_of_their_own():
    ids = [operation["operationId"] for each in DOCUMENT["paths"].values() for operation in each.values()]
    assert len(ids) == len(set(ids)) and all(re.fullmatch(r"[a-z_]+", each) for each in ids)


def test_queries_and_conditions_are_parameters():
    spend = {each["name"]: each for each in DOCUMENT["paths"]["/api/spend"]["get"]["parameters"]}
    assert {"range", "from", "to", "by", "team"} <= spend.keys()
    assert "|team|key|tag|endpoint|user|" in spend["by"]["schema"]["pattern"]
    apply = DOCUMENT["paths"]["/api/policy/apply"]["post"]
    assert [each["name"] for each in apply["parameters"]] == ["If-Match"]
    assert apply["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith("/ApplyDraft")


async def test_it_is_served(plane):
    answer = await plane.get("/api/openapi.json")
    assert answer.json["openapi"] == "3.1.0" and answer.json["paths"].keys() == DOCUMENT["paths"].keys()
