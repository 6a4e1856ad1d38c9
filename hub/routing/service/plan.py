"""Plan stored orders: read everything in a few statements, ask the pure planner, keep its decisions."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from hub.canonical.order import Order
from hub.catalog.rules.products import MatchedProduct
from hub.catalog.service.match import match_skus
from hub.connections.service.adapters import Adapters, ConnectionInfo
from hub.host.plugins import PluginHost
from hub.inventory.service.query import available
from hub.kit.ids import new_id
from hub.kit.rules.order_facts import order_facts
from hub.orders.service.accept import stored_order
from hub.routing import repository
from hub.routing.rules.bundles import grams_of_parts
from hub.routing.rules.decision import Decision
from hub.routing.rules.inputs import as_stored
from hub.routing.rules.planner import plan
from hub.routing.rules.values import UNIT, PlanLine, PlanningProblem, PlanOrder
from hub.routing.service.hooks import hooks_for
from hub.routing.service.inputs import Surroundings, surroundings
from hub.routing.service.rule_sets import active_rules


@dataclass(frozen=True, slots=True)
class Wanted:
    """An order to plan, as its row, lines and connection say; `rejected` are locations that refused it."""

    row: Row[Any]
    lines: Sequence[Row[Any]]
    connection: ConnectionInfo
    rejected: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Planned:
    """Decisions with what was around them."""

    decisions: tuple[Decision, ...]
    rule_set_id: str
    around: Surroundings
    components: Mapping[tuple[str, str], tuple[tuple[str, Decimal], ...]]
    """(order line id, SKU) of bundles -> what one of it consists of."""


def plan_orders(
    session: Session, *, wanted: Sequence[Wanted], host: PluginHost, adapters: Adapters, at: datetime, keep: bool
) -> Planned:
    """Decide where each order is sent from. Reads only; the caller reserves and keeps."""
    rule_set_id, rules = active_rules(session)
    around = surroundings(session, adapters=adapters, at=at, keep=keep)
    products = _products(session, wanted)
    components: dict[tuple[str, str], tuple[tuple[str, Decimal], ...]] = {}
    orders = [_order(item, products[item.row.account], components) for item in wanted]
    skus = {line.sku for order in orders for line in order.lines if line.ships}
    stock = {key: int(quantity * UNIT) for key, quantity in available(session, skus=skus).items()}
    filters, ranks = hooks_for(host, rules)
    problem = PlanningProblem(
        orders=orders, locations=around.locations, stock=stock, rules=rules, now=at, rates=around.rates,
        rates_version=around.rates_version, filters=filters, ranks=ranks,
    )  # fmt: skip
    return Planned(plan(problem).decisions, rule_set_id, around, components)


def keep_decisions(
    session: Session, *, decisions: Sequence[Decision], rule_set_id: str, at: datetime
) -> dict[str, str]:
    """Store decisions with their inputs; returns decision ids by order."""
    ids = {decision.order_id: new_id() for decision in decisions}
    repository.insert_decisions(
        session,
        [
            {
                "decision_id": ids[decision.order_id], "order_id": decision.order_id, "rule_set_id": rule_set_id,
                "outcome": decision.outcome, "inputs_hash": decision.inputs_hash, "body": decision.to_dict(),
                "inputs": as_stored(decision.inputs), "decided_at": at,
            }
            for decision in decisions
        ],
    )  # fmt: skip
    return ids


def park(session: Session, *, decisions: Sequence[Decision], at: datetime) -> None:
    """Keep what could not be planned, under the SKUs that it waits for (none: it waits for a person)."""
    rows: list[dict[str, Any]] = []
    for decision in decisions:
        rows.extend(
            {"order_id": decision.order_id, "sku": sku, "reason": decision.reason[:60], "parked_at": at}
            for sku in sorted(_waits_for(decision))
        )
    repository.park(session, rows)


def _waits_for(decision: Decision) -> set[str]:
    skus = {shortage.sku for shortage in decision.shortages}
    if not skus and decision.outcome == "unfillable":  # no place may send it as things are: stock elsewhere may help
        skus = {sku for _, sku, _, _, ships, *_ in decision.inputs["order"]["lines"] if ships}
    return skus or {""}


def _products(session: Session, wanted: Sequence[Wanted]) -> dict[str, dict[str, MatchedProduct]]:
    skus: dict[str, set[str]] = {}
    for item in wanted:
        skus.setdefault(item.row.account, set()).update(line.sku for line in item.lines if line.sku)
    return {account: match_skus(session, account=account, skus=names) for account, names in skus.items()}


def _order(
    item: Wanted,
    products: Mapping[str, MatchedProduct],
    components: dict[tuple[str, str], tuple[tuple[str, Decimal], ...]],
) -> PlanOrder:
    row, order = item.row, stored_order(item.row)
    lines: list[PlanLine] = []
    for line in item.lines:
        lines.extend(_lines(line, products.get(line.sku or ""), components))
    requires = {name for line in item.lines for name in _requires(products.get(line.sku or ""))}
    to = order.ship_to
    return PlanOrder(
        order_id=row.order_id, number=row.number, placed_at=row.placed_at, lines=tuple(lines),
        facts=_facts(order, row, item.connection, lines, requires), country=(to.country if to else None) or "",
        region=(to.region_code or to.region or "") if to else "", postal_code=(to.postal_code if to else None) or "",
        latitude=to.latitude if to else None, longitude=to.longitude if to else None,
        pinned_location=row.pinned_location,
        excluded_locations=dict.fromkeys(item.rejected, "it refused this order before"),
        deliver_by=row.deliver_by, total_minor=row.grand_minor,
    )  # fmt: skip


def _facts(
    order: Order, row: Row[Any], connection: ConnectionInfo, lines: Sequence[PlanLine], requires: Collection[str]
) -> dict[str, Any]:
    grams = sum(line.grams * line.quantity for line in lines if line.ships) // UNIT
    return order_facts(
        order, connection=connection.name, channel=connection.plugin, payment_state=row.payment,
        weight_grams=grams, requires=requires, tags=row.tags,
    )  # fmt: skip


def _lines(
    line: Row[Any], product: MatchedProduct | None, components: dict[tuple[str, str], tuple[tuple[str, Decimal], ...]]
) -> list[PlanLine]:
    quantity = int((line.unallocated + line.backordered) * UNIT)
    if not line.ships or quantity == 0:
        return []
    sku = product.sku if product is not None else (line.product_sku or line.sku or "")
    requires = _requires(product)
    if product is not None and product.components:
        parts = tuple(sorted(product.components.items()))
        components[(line.order_line_id, sku)] = parts
        weights = grams_of_parts(line.grams, parts)
        return [
            PlanLine(line.order_line_id, part, int(quantity * each), weights[part], True, requires, sku)
            for part, each in parts
        ]
    return [PlanLine(line.order_line_id, sku, quantity, line.grams, True, requires)]


def _requires(product: MatchedProduct | None) -> tuple[str, ...]:
    return tuple(product.requires) if product is not None else ()
