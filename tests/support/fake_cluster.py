"""A Kubernetes API as far as scaling goes: the scale of one Deployment, over HTTP or HTTPS, for one token."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

PATH = "/apis/apps/v1/namespaces/{namespace}/{workloads}/{name}/scale"


class FakeCluster:
    def __init__(self, namespace: str = "inference", name: str = "vllm", workloads: str = "deployments") -> None:
        self.place = {"namespace": namespace, "workloads": workloads, "name": name}
        self.tokens = {"token-1"}
        self.replicas = 0
        self.ready = 0
        self.version = 1
        self.requests: list[str] = []
        self.faults: list[web.Response | str | None] = []
        """What the next requests get instead: an answer, the name of a fault, or None for what is right."""
        self.url = ""

    def refusal(self, status: int, message: str, **headers: str) -> web.Response:
        body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": status}
        return web.json_response(body, status=status, headers=headers)

    def scaled_by_another(self, replicas: int) -> None:
        self.replicas, self.version = replicas, self.version + 1

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request.method)
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, web.Response):
            return fault
        if fault == "hang":
            await asyncio.sleep(600)
        if fault == "html":
            return web.Response(text="<html>")
        if fault == "redirect":
            return web.Response(status=302, headers={"location": "http://127.0.0.1:9/"})
        if fault == "broken":
            return web.Response(status=500, text="no JSON")
        if fault == "cut":
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            return self.refusal(401, "Unauthorized")
        if dict(request.match_info) != self.place:
            return self.refusal(404, f'{request.match_info["workloads"]}.apps "{request.match_info["name"]}" not found')
        if request.method == "PATCH":
            assert request.content_type == "application/merge-patch+json"
            change = await request.json()
            if fault == "race":
                self.scaled_by_another(self.replicas)
            if change["metadata"]["resourceVersion"] != str(self.version):
                return self.refusal(409, "the object has been modified")
            self.scaled_by_another(change["spec"]["replicas"])
        return web.json_response(
            {
                "kind": "Scale",
                "apiVersion": "autoscaling/v1",
                "metadata": {"name": self.place["name"], "resourceVersion": str(self.version)},
                "spec": {"replicas": self.replicas},
                "status": {"replicas": self.ready, "selector": "app=vllm"},
            }
        )

    @asynccontextmanager
    async def served(self, tls: ssl.SSLContext | None = None) -> AsyncIterator[FakeCluster]:
        app = web.Application()
        app.router.add_route("GET", PATH, self._handle)
        app.router.add_route("PATCH", PATH, self._handle)
        runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        port = runner.addresses[0][1]
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{port}"
        try:
            yield self
        finally:
            await runner.cleanup()
