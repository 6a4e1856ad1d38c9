"""The day, from an empty folder to the comparison of everybody's books; all of it over HTTP."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hub.cli.demo_client import Api
from hub.cli.demo_compare import compare
from hub.cli.demo_day import Day, load_day
from hub.cli.demo_desk import (
    DECISIONS,
    DeskBook,
    receive_lamps,
    settle_lookalikes,
    try_to_cancel_late,
    wait_until_quiet,
)
from hub.cli.demo_evidence import gather, write_evidence
from hub.cli.demo_progress import Step, Steps
from hub.cli.demo_receiver import PortalBook, Receiver
from hub.cli.demo_report import build_report
from hub.cli.demo_senders import PARTNERS, SenderLog, send_all
from hub.cli.demo_server import Server
from hub.cli.demo_setup import Prepared, fresh_folder, set_up
from hub.cli.demo_shop import DemoShop
from hub.cli.demo_warehouse import WarehouseBook, Warehouses, scan
from hub.kit.settings import Settings


@dataclass(slots=True)
class Outside:
    """Everybody outside the hub, with their books."""

    day: Day
    shop: DemoShop
    portal: PortalBook = field(default_factory=PortalBook)
    log: SenderLog = field(default_factory=SenderLog)
    warehouse: WarehouseBook = field(default_factory=WarehouseBook)
    desk: DeskBook = field(default_factory=DeskBook)


def run_demo(
    settings: Settings, *, quiet: bool, afterwards: Callable[[dict[str, Any], Server], None] | None = None
) -> dict[str, Any]:
    """Run the day and report it. `afterwards` is called while the server still runs."""
    day = load_day()
    fresh_folder(settings.data_dir)
    outside = Outside(day, DemoShop(day.orders))
    receiver = Receiver(outside.shop, outside.portal)
    server = Server(settings)
    receiver.start()
    try:
        with Steps(quiet=quiet) as steps:
            with steps.step("Set up an empty hub"):
                prepared = set_up(settings, day, receiver_url=receiver.url)
                outside.portal.secret = prepared.portal_secret
            with steps.step("Start the server"):
                server.start()
            report = _trade(outside, prepared, server, settings.data_dir, steps)
        if afterwards is not None:
            afterwards(report, server)
        return report
    finally:
        server.stop()
        receiver.stop()


def _trade(outside: Outside, prepared: Prepared, server: Server, data_dir: Path, steps: Steps) -> dict[str, Any]:
    api = Api(server.url, prepared.api_key)
    day, desk = outside.day, outside.desk
    deliveries = len(day.shop) + len(day.portal) + sum(len(day.files(name)) for name in PARTNERS)
    with steps.step("Orders come in: 2 webhook senders, 2 folders of files", deliveries) as step:
        send_all(server.url, prepared.api_key, day, prepared, data_dir, outside.log, step)
    with steps.step("Read, check, reserve and route them"):
        wait_until_quiet(api, queues=DECISIONS)
    with steps.step("The desk looks at what is held"):
        settle_lookalikes(api, desk)
        wait_until_quiet(api, queues=DECISIONS)
    locations = [entry["code"] for entry in day.master["locations"]]
    warehouses = Warehouses(server.url, prepared.api_key, locations, outside.warehouse)
    with steps.step("3 warehouses pick, pack, label and hand over", len(day.orders)) as step:
        _work_off(api, warehouses, step)
    with steps.step("Carriers scan the parcels") as step:
        scan(api, outside.warehouse.handed_over, step)
    with steps.step("The lamp that ran out comes in; who waited is served") as step:
        receive_lamps(api, desk)
        try_to_cancel_late(api, outside.warehouse.handed_over[0].order_id, desk)
        wait_until_quiet(api, queues=DECISIONS)
        _work_off(api, warehouses, step)
    with steps.step("Tell shop and portal, post the ledger"):
        wait_until_quiet(api)
    with steps.step("Compare everybody's books"):
        evidence = gather(api, day, outside.log, outside.warehouse, desk, outside.shop, outside.portal)
        write_evidence(evidence, data_dir)
        checks = compare(evidence, data_dir)
    report = build_report(
        api, evidence, checks, desk=desk, warehouse=outside.warehouse, seconds=steps.seconds, data_dir=data_dir,
        server=server, api_key=prepared.api_key,
    )  # fmt: skip
    api.close()
    return report


def _work_off(api: Api, warehouses: Warehouses, step: Step) -> None:
    """Until nothing is released any more: what one warehouse did not find is planned elsewhere meanwhile."""
    while True:
        left = warehouses.work_off(step)
        wait_until_quiet(api, queues=DECISIONS)
        if left == 0:
            return
