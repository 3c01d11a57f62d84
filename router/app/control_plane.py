"""The control plane's process: `python -m router.app.control_plane`, started by the supervisor.

Settings come as one JSON line on standard input, which then stays open: its end means that the supervisor is gone.
"ready" on standard output means that pages are served. The workers neither know nor need it.
"""

from __future__ import annotations

import asyncio
import math
import os
import socket
import ssl
import sys
import time
from pathlib import Path

import msgspec
from aiohttp import web

from router.admin.alerts.assemble import alerts_of
from router.admin.assemble import make_control
from router.admin.audit.found import FoundPolicy
from router.admin.audit.receipts import ReceiptWriter
from router.admin.server import runner_of
from router.admin.settings import AdminSettings
from router.admin.sources.interface import Sources
from router.admin.sources.limits import LedgerBudgets
from router.admin.sources.power import LedgerPower
from router.admin.sources.records import LedgerRecords
from router.admin.sources.workers import LedgerWorkers
from router.admin.telemetry.past_totals import PastTotals
from router.admin.telemetry.record_follower import Follower, Listener, Past
from router.admin.telemetry.record_metrics import RecordMeters
from router.admin.telemetry.traces import traces_from
from router.app import logs
from router.app.certificate_watch import follow_certificate
from router.app.data_dir import wakes_folder
from router.app.heartbeat import beat_from
from router.app.listening_port import join_port
from router.app.model_listings import ModelListings
from router.app.parent_watch import stop_event
from router.app.reload import NotServable, check_servable
from router.config.problems import PolicyError
from router.core.values import Plan
from router.power.controller import Controller
from router.power.drivers.registry import driver_of
from router.power.known_units import KnownUnitsFile
from router.power.rent_keeper import RentKeeper
from router.power.traffic_price import TrafficPrice
from router.system.certificate import CertificateUnusable, certificate_of
from router.system.file_limit import allow_most_open_files
from router.system.wake_files import WakeFiles

SHUTDOWN_SECONDS = 2.0
MEASURED_PER_SECOND = 500
"""Request records that latencies and rates are taken from: more would say the same at a higher price."""


def main() -> None:
    fed = sys.stdin.buffer.readline()
    if not fed:  # the supervisor ended before it knew what to serve
        return
    settings = msgspec.json.decode(fed, type=AdminSettings)
    logs.set_up()
    allow_most_open_files()  # a page that is open has a connection
    asyncio.run(serve(settings))


async def serve(settings: AdminSettings) -> None:
    """Until SIGTERM, SIGINT or the supervisor's end. Raises PolicyError."""
    beat_from(sys.argv, asyncio.get_running_loop())

    def servable(plan: Plan) -> str:
        try:
            check_servable(plan, settings.gateway_host)
        except NotServable as error:
            return str(error)
        return ""

    meters = RecordMeters(time.time)
    listings = ModelListings(settings.redis, lambda: control.desk.plan, ssl.create_default_context())
    sources = Sources(
        LedgerWorkers(settings.redis),
        LedgerBudgets(settings.redis, lambda: control.desk.plan),
        LedgerRecords(settings.redis),
        meters,
        LedgerPower(settings.redis),
        listings,
    )
    control = make_control(settings, servable, time.time, sources)
    traces = traces_from(os.environ, lambda: control.desk.plan, control.version)
    listeners: list[Listener] = [meters, traces] if traces.on else [meters]
    most = math.inf if traces.on else MEASURED_PER_SECOND
    follower = Follower(settings.redis, listeners, Past(meters.window, meters.recall), most=most)
    receipts = ReceiptWriter(settings.redis)
    teams = frozenset(settings.oidc.teams) if settings.oidc is not None else frozenset()
    past_totals = PastTotals(settings.redis, lambda: control.desk.plan, time.time, teams)
    rent = RentKeeper(settings.redis, lambda: control.desk.plan)
    price = TrafficPrice(settings.redis)
    data_dir = Path(settings.data_dir)
    power = Controller(
        settings.redis,
        lambda: control.desk.plan,
        lambda name, policy: driver_of(name, policy, data_dir),
        socket.gethostname(),
        WakeFiles(wakes_folder(data_dir)),
        KnownUnitsFile(data_dir / "switched-units.json"),
    )
    runner = runner_of(control, SHUTDOWN_SECONDS)
    await runner.setup()
    certificate = certificate_of(settings.tls_cert, settings.tls_key)
    listener = join_port(settings.host, settings.port)
    await web.SockSite(runner, listener, ssl_context=certificate.context).start()
    following = [
        asyncio.create_task(work)
        for work in (
            control.desk.follow(),
            control.audit.run(),
            FoundPolicy(control.desk, control.audit, control.version).run(),
            receipts.run(),
            past_totals.run(),
            follower.run(),
            rent.run(),
            price.run(),
            listings.run(),
            power.run(),
            *(each.run() for each in alerts_of(control, control.audit.gateway)),
            follow_certificate(certificate),
        )
    ]
    stop = stop_event(asyncio.get_running_loop())
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await stop.wait()
    for each in following:
        each.cancel()
    await asyncio.gather(*following, return_exceptions=True)  # whoever controls gives up its lease
    await runner.cleanup()
    traces.close()


if __name__ == "__main__":
    try:
        main()
    except (PolicyError, CertificateUnusable) as error:
        raise SystemExit(str(error)) from None
