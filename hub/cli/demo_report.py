"""The report of the day: figures from the books, three timelines, what waits for a person, and where things are."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from hub.cli.demo_client import Api
from hub.cli.demo_compare import Check
from hub.cli.demo_desk import DeskBook
from hub.cli.demo_evidence import LABELS, LEDGER, Evidence, HubOrder
from hub.cli.demo_ledger import read_ledger, standing
from hub.cli.demo_server import Server
from hub.cli.demo_warehouse import HOT, HandedOver, WarehouseBook

EXAMPLES = {
    "three_way_split": "An order that three warehouses share",
    "late_edit": "An order that its buyer changed later",
    "cancelled_before_order": "A cancellation that arrived before its order",
}
APPROVED_ALONE = "auto_approved"


def build_report(
    api: Api, evidence: Evidence, checks: Sequence[Check], *, desk: DeskBook, warehouse: WarehouseBook,
    seconds: Mapping[str, float], data_dir: Path, server: Server, api_key: str,
) -> dict[str, Any]:  # fmt: skip
    """Everything that is shown at the end, as JSON."""
    by_key = {order.key: order for order in evidence.orders}
    return {
        "ok": all(check.ok for check in checks),
        "orders": _orders(evidence, desk),
        "parcels": _parcels(evidence, warehouse, api),
        "documents": dict(Counter(entry.kind for entry in standing(read_ledger(data_dir / LEDGER)))),
        "scenarios": _scenarios(evidence, by_key),
        "seconds": {**seconds, "total": round(sum(seconds.values()), 2)},
        "restarts": server.restarts,
        "checks": [{**asdict(check), "ok": check.ok} for check in checks],
        "timelines": _timelines(api, evidence, by_key),
        "cases": [
            {name: case[name] for name in ("kind", "title", "what_to_do", "subject_id")}
            for case in api.pages("/v1/cases", {"state": "open"})
        ],
        "places": {
            "data": str(data_dir), "labels": str(data_dir / LABELS),
            "ledger": str(data_dir / LEDGER / "main.beancount"), "log": str(data_dir / "server.log"),
        },
        "server": {"url": server.url, "docs": f"{server.url}/docs", "api_key": api_key},
    }  # fmt: skip


def _orders(evidence: Evidence, desk: DeskBook) -> dict[str, Any]:
    orders = evidence.orders
    faulty = sum(order.faulty for order in evidence.sent)
    alone = sum(order.review == APPROVED_ALONE for order in orders)
    held = Counter(reason for order in orders if order.lifecycle != "cancelled" for reason in order.holds)
    shipped = {shipment.order_id for shipment in evidence.handed_over}
    waiting = [order for order in orders if order.phase in ("blocked", "short")]
    return {
        "sent": len(evidence.sent), "deliveries": len(evidence.acknowledged), "left_out_for_a_faulty_row": faulty,
        "accepted": len(orders), "auto_approved": alone, "auto_approval_rate": round(alone / max(len(orders), 1), 4),
        "held": dict(held), "cancelled": sum(order.lifecycle == "cancelled" for order in orders),
        "released_by_the_desk": len(desk.released), "cancelled_by_the_desk": len(desk.cancelled),
        "late_cancellations_refused": len(desk.refused), "waiting_for_stock": [order.number for order in waiting],
        "waited_until_more_came": desk.waited,
        "shipped": len(shipped), "completed": sum(order.lifecycle == "completed" for order in orders),
        **_splits(evidence.handed_over),
    }  # fmt: skip


def _splits(handed_over: Iterable[HandedOver]) -> dict[str, int]:
    places: dict[str, set[str]] = defaultdict(set)
    for shipment in handed_over:
        places[shipment.order_id].add(shipment.location)
    ways = Counter(len(found) for found in places.values())
    return {"split_2_ways": ways[2], "split_3_ways": ways[3]}


def _parcels(evidence: Evidence, warehouse: WarehouseBook, api: Api) -> dict[str, Any]:
    handed_over = evidence.handed_over
    states = Counter(item["state"] for item in api.pages("/v1/shipments"))
    return {
        "handed_over": len(handed_over), "states": dict(states),
        "freight_minor": sum(shipment.cost_minor for shipment in handed_over),
        "by_carrier": dict(Counter(shipment.carrier for shipment in handed_over)),
        "by_location": dict(Counter(shipment.location for shipment in handed_over)),
        "labels_given_back": len(warehouse.voided), "labels_reprinted": len(warehouse.reprinted),
        "short_picks": list(warehouse.short), "set_aside": dict(warehouse.set_aside),
    }  # fmt: skip


def _scenarios(evidence: Evidence, by_key: Mapping[str, HubOrder]) -> dict[str, list[dict[str, Any]]]:
    """What became of the orders that are out of the ordinary."""
    places: dict[str, set[str]] = defaultdict(set)
    for shipment in evidence.handed_over:
        places[shipment.order_id].add(shipment.location)
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for order in evidence.sent:
        hot = any(line.sku == HOT for line in order.lines)
        kind = order.kind or ("hot_sku" if hot else None)
        if kind is None:
            continue
        known = by_key.get(order.key)
        found[kind].append(
            {
                "number": order.number, "connection": order.connection,
                "phase": known.phase if known else "not an order", "holds": list(known.holds) if known else [],
                "total_minor": known.total_minor if known else None,
                "totals_minor": list(order.totals_minor),
                "locations": sorted(places[known.order_id]) if known else [],
            }
        )  # fmt: skip
    return dict(found)


def _timelines(api: Api, evidence: Evidence, by_key: Mapping[str, HubOrder]) -> list[dict[str, Any]]:
    chosen = {order.kind: order for order in evidence.sent if order.kind in EXAMPLES and order.key in by_key}
    timelines = []
    for kind, title in EXAMPLES.items():
        if kind not in chosen:
            continue
        order = by_key[chosen[kind].key]
        events = list(api.pages(f"/v1/orders/{order.order_id}/timeline"))
        heading = {"kind": kind, "title": title, "number": order.number, "order_id": order.order_id}
        timelines.append({**heading, "events": [_entry(event, events[0]) for event in events]})
    return timelines


def _entry(event: Mapping[str, Any], first: Mapping[str, Any]) -> dict[str, Any]:
    passed = datetime.fromisoformat(event["at"]) - datetime.fromisoformat(first["at"])
    return {
        "after_seconds": round(passed.total_seconds(), 2), "kind": event["kind"], "actor": event["actor"],
        "note": _note(event["data"]),
    }  # fmt: skip


_TOLD = (
    "lines", "state", "holds", "fields", "locations", "fulfilment_order", "location", "shipment", "service",
    "tracking_numbers", "number", "reason", "carrier",
)  # fmt: skip


def _note(data: Mapping[str, Any]) -> str:
    """The few words of an event's data that tell the most."""
    parts = []
    for name in _TOLD:
        value = data.get(name)
        if value not in (None, [], "", {}):
            shown = ", ".join(str(item) for item in value) if isinstance(value, list) else str(value)
            parts.append(f"{name.replace('_', ' ')} {shown}")
    return "; ".join(parts[:3])
