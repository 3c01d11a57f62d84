"""The OpenAPI document, from the table of routes and the types in it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from router.admin.answers.outcome import Refused
from router.admin.auth.roles import Access
from router.admin.routes import Route

_REFERENCE = "#/components/schemas/{name}"
_PARAMETER = re.compile(r"\{(\w+)\}")
_NO_SESSION: list[dict[str, list[str]]] = []
_EITHER: list[dict[str, list[str]]] = [{"bearer": []}, {"session": []}]
DESCRIPTION = (
    "Money is in micro-USD, to the thousandth; times are seconds since the epoch; days are local dates of the policy's "
    "time zone. "
    "API clients send a token as `Authorization: Bearer`. Pages have a session cookie and send the session's `csrf` "
    "as `x-csrf-token` with every write. What needs `If-Match` takes the version that it "
    "began with: `text_version` of the policy, `version` of a key. "
    "`HEAD` is answered as `GET` is, without a body, but for what a browser comes back to from signing in."
)


def document(routes: Iterable[Route], version: str) -> dict[str, Any]:
    """OpenAPI 3.1."""
    listed = list(routes)
    types = [kind for route in listed for kind in (route.answer, route.body) if _is_struct(kind)]
    _, components = msgspec.json.schema_components([*dict.fromkeys(types), Refused], ref_template=_REFERENCE)
    paths: dict[str, dict[str, Any]] = {}
    for route in listed:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Breakeven control plane", "version": version, "description": DESCRIPTION},
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "breakeven_session"},
            },
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": f"{route.handler.__module__.rpartition('.')[2]}_{route.handler.__name__}",
        "summary": route.summary,
        "x-role": str(route.access),
        "security": _NO_SESSION if route.access is Access.OPEN else _EITHER,
        "parameters": [*_in_path(route), *_in_query(route), *_in_headers(route)],
        "responses": {
            "200": {"description": "OK", "content": {route.media: {"schema": _schema(route.answer)}}},
            "default": {"description": "Refused", "content": {"application/json": {"schema": _schema(Refused)}}},
        },
    }
    if route.body is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": _schema(route.body)}}}
    return operation


def _in_path(route: Route) -> list[dict[str, Any]]:
    names = _PARAMETER.findall(route.path)
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


def _in_query(route: Route) -> list[dict[str, Any]]:
    if route.query is None:
        return []
    properties = msgspec.json.schema(route.query)["$defs"][route.query.__name__]["properties"]
    return [{"name": name, "in": "query", "required": False, "schema": schema} for name, schema in properties.items()]


def _in_headers(route: Route) -> list[dict[str, Any]]:
    if not route.conditional:
        return []
    return [{"name": "If-Match", "in": "header", "required": True, "schema": {"type": "string"}}]


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _schema(kind: Any) -> dict[str, Any]:
    return {"$ref": _REFERENCE.format(name=kind.__name__)} if _is_struct(kind) else {}
