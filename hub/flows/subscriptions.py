"""The table: which event leads to which work, and what runs it."""

from collections.abc import Callable
from dataclasses import dataclass

from hub.billing.subscribers import PostDocuments
from hub.flows import open_cases as cases
from hub.flows.cancel_documents import CancelInLedger, WithdrawSalesOrders
from hub.flows.census import CENSUS_DUE, AskCensus, CensusDue
from hub.flows.compare_stock import CompareStock
from hub.flows.fetch_orders import FetchOrders
from hub.flows.gather_stock import TRANSFER_CHANGED, TransferChanged
from hub.flows.give_up import GIVE_UP, GiveUp
from hub.flows.housekeeping import HOLD_DUE, REPLAN, Housekeeping, ReleaseTimed
from hub.flows.notify_channels import NotifyChannels
from hub.flows.notify_locations import ASK_LOCATION, NOTIFY_LOCATION, NotifyLocations
from hub.flows.open_cases import OpenCase
from hub.flows.plan_orders import PLAN, PlanOrders
from hub.flows.process_messages import BlockFailed, ProcessMessages
from hub.flows.proof import PROOF_WATCH, WatchProofs
from hub.flows.pull_channel import PullChannel
from hub.flows.pull_stock import PullStock
from hub.flows.push_stock import PushStock
from hub.flows.read_codes import READ_AGAIN, ReadAgain
from hub.flows.refresh_tracking import RefreshTracking
from hub.flows.replan_waiting import ReplanWaiting
from hub.flows.retention import HOUSEKEEPING, RETENTION, KeepHouse
from hub.flows.review_orders import AGAIN, RESUME, ResumeHeld, ResumeOrders
from hub.flows.sales_documents import PostMoney
from hub.flows.services import Services
from hub.flows.ship_consequences import NothingToShip, ShipmentConsequences
from hub.flows.stock_short import STOCK_SHORT, GiveWay
from hub.flows.stop_shipments import EndWork, ShipOn, StopShipments
from hub.flows.sweep_labels import SweepLabels
from hub.flows.watch_stock import RECOVERED, STOCK_WATCH, StockRecovered, WatchStock, low_stock
from hub.flows.watch_waiting import WAIT_WATCH, WatchWaiting
from hub.fulfilment import events as fulfilment
from hub.fulfilment.subscribers import BuyLabels, RateShipments, VoidLabels
from hub.intake.service.store import PROCESS
from hub.jobs.service.work import LocalRun, LocalWork, OutwardWork, WorkTable
from hub.routing.service.shadow import SHADOW, SHADOW_END
from hub.routing.subscribers import AskShadow, EndShadow
from hub.sdk.http import HttpClient


@dataclass(frozen=True, slots=True)
class Subscription:
    """An event and the kind of job that follows it."""

    event: str
    handler: str


SUBSCRIPTIONS = (
    Subscription("order.approved", PLAN),
    Subscription("order.replan_requested", PLAN),
    Subscription(fulfilment.REJECTED, PLAN),
    Subscription(fulfilment.SHORT, PLAN),
    Subscription("inventory.stock_increased", REPLAN),
    Subscription("inventory.stock_short", STOCK_SHORT),
    Subscription("inventory.low_stock", "case.low_stock"),
    Subscription("inventory.stock_recovered", RECOVERED),
    Subscription("inventory.location_changed", REPLAN),
    Subscription("inventory.transfer_changed", TRANSFER_CHANGED),
    Subscription("routing.inputs_changed", REPLAN),
    Subscription("routing.rules_activated", REPLAN),
    Subscription("routing.rules_activated", SHADOW_END),
    Subscription("connections.carrier_changed", REPLAN),
    Subscription("catalog.product_added", RESUME),
    Subscription("catalog.sku_mapped", RESUME),
    Subscription("catalog.code_mapped", READ_AGAIN),
    Subscription("payment.recorded", "review.payment"),
    Subscription("payment.recorded", "billing.money"),
    Subscription("order.cancelled", "billing.cancelled"),
    Subscription("order.cancel_requested", "fulfilment.stop"),
    Subscription(fulfilment.SUBMITTED, NOTIFY_LOCATION),
    Subscription(fulfilment.CANCEL_REQUESTED, ASK_LOCATION),
    Subscription(fulfilment.CANCEL_ACCEPTED, "fulfilment.end"),
    Subscription(fulfilment.CANCEL_REFUSED, "fulfilment.ship_on"),
    Subscription(fulfilment.CANCEL_REFUSED, "case.cancel_refused"),
    Subscription(fulfilment.SHIPPED, "shipment.consequences"),
    Subscription("order.nothing_to_ship", "billing.nothing_to_ship"),
    Subscription("message.blocked", "case.message_blocked"),
    Subscription("message.faulty", "case.message_faulty"),
    Subscription("order.held_by_review", "case.order_held"),
    Subscription("order.needs_person", "case.order_needs_person"),
    Subscription("order.changed_after_start", "case.changed_after_start"),
    Subscription("job.parked", "intake.failed"),
    Subscription("job.parked", "case.job_parked"),
    Subscription("connection.paused", "case.connection_paused"),
)


def by_event() -> dict[str, tuple[str, ...]]:
    """Kinds of jobs by event."""
    table: dict[str, tuple[str, ...]] = {}
    for entry in SUBSCRIPTIONS:
        table[entry.event] = (*table.get(entry.event, ()), entry.handler)
    return table


CASES = (
    cases.message_blocked, cases.message_faulty, cases.order_held, cases.order_needs_person,
    cases.changed_after_start, cases.cancel_refused, cases.job_parked, cases.connection_paused, low_stock,
)  # fmt: skip
"""What a person has to look at; the work that opens each is called by its name."""


def work_table(
    services: Services, *, http_for: Callable[[str], HttpClient], secret_of: Callable[[str], str]
) -> WorkTable:
    """Everything that can be done, by kind."""
    outward = _outward(services, http_for=http_for, secret_of=secret_of)
    return WorkTable(
        local={kind: LocalWork(kind, queue, run) for kind, (queue, run) in _local(services).items()},
        outward={work.kind: work for work in outward},
    )


def _local(services: Services) -> dict[str, tuple[str, LocalRun]]:
    """Work within the database: its queue, and what does it."""
    return {
        PROCESS: ("intake", ProcessMessages(services)),
        PLAN: ("flow", PlanOrders(services)),
        REPLAN: ("flow", ReplanWaiting(services)),
        TRANSFER_CHANGED: ("flow", TransferChanged()),
        STOCK_SHORT: ("flow", GiveWay(services)),
        RESUME: ("flow", ResumeHeld()),
        AGAIN: ("flow", ResumeOrders(services, rematch=True)),
        READ_AGAIN: ("flow", ReadAgain(services)),
        "review.payment": ("flow", ResumeOrders(services, rematch=False)),
        "billing.money": ("flow", PostMoney(services)),
        "billing.cancelled": ("flow", WithdrawSalesOrders(services)),
        "fulfilment.stop": ("flow", StopShipments(services)),
        "fulfilment.end": ("flow", EndWork(services)),
        "fulfilment.ship_on": ("flow", ShipOn(services)),
        "shipment.consequences": ("flow", ShipmentConsequences(services)),
        "billing.nothing_to_ship": ("flow", NothingToShip(services)),
        "intake.failed": ("bulk", BlockFailed(services)),
        HOLD_DUE: ("flow", ReleaseTimed(services)),
        GIVE_UP: ("flow", GiveUp(services)),
        HOUSEKEEPING: ("bulk", Housekeeping(services)),
        RETENTION: ("bulk", KeepHouse(services)),
        CENSUS_DUE: ("bulk", CensusDue(services)),
        PROOF_WATCH: ("bulk", WatchProofs(services)),
        STOCK_WATCH: ("bulk", WatchStock(services)),
        RECOVERED: ("bulk", StockRecovered(services)),
        WAIT_WATCH: ("bulk", WatchWaiting(services)),
        SHADOW: ("bulk", AskShadow(clock=services.clock, adapters=services.adapters)),
        SHADOW_END: ("flow", EndShadow(clock=services.clock)),
        **{f"case.{case.__name__}": ("bulk", OpenCase(services, case)) for case in CASES},
    }


def _outward(
    services: Services, *, http_for: Callable[[str], HttpClient], secret_of: Callable[[str], str]
) -> list[OutwardWork]:
    """Work that calls others."""
    return [
        PostDocuments(clock=services.clock, adapters=services.adapters, call_seconds=services.call_seconds),
        RateShipments(clock=services.clock, adapters=services.adapters),
        BuyLabels(
            clock=services.clock, adapters=services.adapters, labels=services.data_dir / "labels",
            call_seconds=services.call_seconds,
        ),
        VoidLabels(clock=services.clock, adapters=services.adapters),
        SweepLabels(services),
        NotifyChannels(services),
        *(
            NotifyLocations(services, kind=kind, http_for=http_for, secret_of=secret_of)
            for kind in (NOTIFY_LOCATION, ASK_LOCATION)
        ),
        CancelInLedger(services),
        PullChannel(services),
        AskCensus(services),
        FetchOrders(services),
        PushStock(services),
        CompareStock(services),
        PullStock(services),
        RefreshTracking(services),
    ]  # fmt: skip
