"""One gateway process: `python -m router.app.worker`, started by the supervisor.

Settings come as one JSON line on standard input, which then stays open: its end means that the supervisor is
gone. "ready" on standard output means that requests are answered; what follows it says why the ledger cannot be
reached, if so.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import ssl
import sys
import time
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import uvloop

from router.app import logs
from router.app.assemble import backend_specs
from router.app.certificate_watch import follow_certificate
from router.app.heartbeat import beat_from
from router.app.listening_port import join_port, turn_away
from router.app.parent_watch import stop_event
from router.app.reload import NotServable, check_servable, follow
from router.app.settings import WorkerSettings
from router.config.problems import PolicyError
from router.config.watch import PolicyFile
from router.core.values import Plan
from router.gateway.entity_client import EntityClient
from router.gateway.peers import Peers
from router.gateway.routes import Routes
from router.gateway.server import Server
from router.gateway.worker_state import WorkerState
from router.ledger.client.group_commit import GroupCommitLedger
from router.ledger.journal.log import open_log
from router.ledger.shared_status import SharedStatus
from router.system.certificate import CertificateUnusable, certificate_of
from router.system.wake_files import WakeFiles
from router.upstream.adapter_status import AdapterStatus
from router.upstream.fleet import Fleet
from router.upstream.probes import Probes

GC_THRESHOLD = (50_000, 20, 20)
"""Requests make few cycles; the default of 700 would look for them ten times a second."""


def main() -> None:
    fed = sys.stdin.buffer.readline()
    if not fed:  # the supervisor ended before it knew what to serve
        return
    settings = msgspec.json.decode(fed, type=WorkerSettings)
    logs.set_up()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(settings))


async def serve(settings: WorkerSettings) -> None:
    """Serve until SIGTERM, SIGINT or the supervisor's end."""
    loop = asyncio.get_running_loop()
    beat_from(sys.argv, loop)
    file = PolicyFile(settings.policy, with_secrets=True, last_good=Path(settings.last_good))
    # Not what the file says by now: whatever was refused of an edit would be adopted by a worker that starts after it.
    plan, _ = file.resume(with_secrets=True)
    check_servable(plan, settings.host)
    policy = plan.policy
    ledger = GroupCommitLedger(
        settings.redis,
        timezone=ZoneInfo(policy.cost.timezone),
        timeout=policy.ledger.timeout,
        log=open_log(Path(settings.journal)),
    )
    fleet, probes, tls = Fleet(loop), Probes(), ssl.create_default_context()
    state = WorkerState(plan, fleet, ledger, time.time)
    state.playground_secret = settings.playground_secret
    state.untranslated = settings.untranslated
    state.entities = EntityClient(settings.presidio_folder)
    state.adapter = AdapterStatus(settings.adapter_socket)
    shared = SharedStatus(settings.redis, timeout=policy.ledger.timeout)
    peers = Peers(state, shared, loop, WakeFiles(Path(settings.wakes)))
    service = Routes(state, loop, peers)
    certificate = certificate_of(settings.tls_cert, settings.tls_key)
    server = Server(service, state, loop, turn_away, certificate.context)

    def adopt(new: Plan) -> None:
        specs = backend_specs(new, settings.adapter_socket, tls)
        fleet.apply(specs)
        state.adopt(new)
        service.adopted()
        probes.apply(fleet.backends.values())

    adopt(plan)
    fleet.start()
    await asyncio.gather(ledger.start(), shared.start(peers))
    if not ledger.available:
        logging.getLogger("breakeven.ledger").error("ledger lost at start", extra={"why": ledger.why})
    await server.start(join_port(settings.host, settings.port))
    following = [
        asyncio.create_task(work)
        for work in (follow(file, settings.host, adopt, peers.reloaded), follow_certificate(certificate))
    ]
    stop = stop_event(loop)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLD)
    sys.stdout.write(f"ready {ledger.why}\n")
    sys.stdout.flush()
    await stop.wait()
    for each in following:
        each.cancel()
    await server.drain(settings.grace)
    await probes.close()
    fleet.close()
    await asyncio.gather(shared.close(), ledger.close())


if __name__ == "__main__":
    try:
        main()
    except (PolicyError, NotServable, CertificateUnusable) as error:
        raise SystemExit(str(error)) from None
