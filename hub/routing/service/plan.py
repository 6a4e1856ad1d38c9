"""Plan stored orders: read everything in a few statements, ask the pure planner, keep its decisions."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from hub.canonical.order import Order
from hub.canonical.party import Address
from hub.catalog.rules.products import MatchedProduct
from hub.catalog.service.match import NO_ACCOUNT, match_skus
from hub.connections.service.adapters import ConnectionInfo
from hub.host.plugins import PluginHost
from hub.inventory.service.query import available, lying_since
from hub.kit.rules.compiled import CompiledRuleSet
from hub.kit.rules.order_facts import order_facts
from hub.orders.service.accept import stored_order
from hub.routing import repository
from hub.routing.rules.bundles import grams_of_parts
from hub.routing.rules.decision import Decision, WaveResult
from hub.routing.rules.inputs import as_stored
from hub.routing.rules.places import Place, Whereabouts
from hub.routing.rules.transfer import moves_stock
from hub.routing.rules.values import UNIT, PlanLine, PlanningProblem, PlanOrder
from hub.routing.rules.wave import plan_wave
from hub.routing.service.hooks import hooks_for, named_rankers, strategies_for
from hub.routing.service.inputs import Standing, Surroundings, surroundings
from hub.routing.service.places import locate_all
from hub.routing.service.waves import Stopwatch


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
    waves: tuple[tuple[WaveResult, int], ...] = ()
    """Those that the orders were planned in, with the milliseconds that each strategy took."""


def plan_orders(
    session: Session, *, wanted: Sequence[Wanted], host: PluginHost, rule_set_id: str, rules: CompiledRuleSet,
    standing: Standing, at: datetime, keep: bool,
) -> Planned:  # fmt: skip
    """Decide where each order is sent from. Reads only; the caller reserves and keeps."""
    around = surroundings(session, standing=standing, at=at, keep=keep)
    products = _products(session, wanted)
    components: dict[tuple[str, str], tuple[tuple[str, Decimal], ...]] = {}
    canonical = [stored_order(item.row) for item in wanted]
    places = _places(session, canonical)
    orders = [_order(item, order, products, components, places) for item, order in zip(wanted, canonical, strict=True)]
    skus = {line.sku for order in orders for line in order.lines if line.ships}
    free = available(session, skus=skus, order_ids=[order.order_id for order in orders])
    stock = {key: int(quantity * UNIT) for key, quantity in free.items()}
    filters, ranks = hooks_for(host, rules)
    watch = Stopwatch(strategies_for(host))
    problem = PlanningProblem(
        orders=orders, locations=around.locations, stock=stock, rules=rules, now=at, rates=around.rates,
        rates_version=around.rates_version, filters=filters, ranks=ranks, strategies=watch.strategies,
        stock_age=_ages(session, rules, skus, at), may_transfer=moves_stock(rules),
    )  # fmt: skip
    result = plan_wave(problem)
    waves = tuple((wave, watch.millis(wave)) for wave in result.waves)
    return Planned(result.decisions, rule_set_id, around, components, waves)


def keep_decisions(
    session: Session, *, decisions: Sequence[Decision], ids: Mapping[str, str], rule_set_id: str, at: datetime
) -> None:
    """Store decisions with their inputs, under their ids by order."""
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


def park(session: Session, *, decisions: Sequence[Decision], at: datetime) -> None:
    """Keep what could not be planned, under the SKUs that it waits for (none: it waits for a person, or for the day of
    a pre-order, whatever comes before).
    """
    rows: list[dict[str, Any]] = []
    for decision in decisions:
        lines = decision.unfillable.get("short", {})
        nowhere = {sku for line_id, sku, *_ in decision.inputs["order"]["lines"] if line_id in lines}
        after = decision.unfillable.get("after_minutes")
        rows.extend(
            {
                "order_id": decision.order_id, "sku": sku, "reason": decision.reason[:60], "parked_at": at,
                "due_at": None if sku else decision.due_at, "cancel_after": after if sku in nowhere else None,
            }
            for sku in sorted(_waits_for(decision))
        )  # fmt: skip
    repository.park(session, rows)


def _waits_for(decision: Decision) -> set[str]:
    now, due = decision.inputs["now"], decision.inputs["order"].get("due", {})
    expected = {line_id for line_id, day in due.items() if day > now}
    skus = {shortage.sku for shortage in decision.shortages if shortage.line_id not in expected}
    if decision.due_at is not None:
        return skus | {""}
    if not skus and decision.outcome == "unfillable":  # no place may send it as things are: stock elsewhere may help
        skus = {sku for _, sku, _, _, ships, *_ in decision.inputs["order"]["lines"] if ships}
    return skus or {""}


def _products(session: Session, wanted: Sequence[Wanted]) -> dict[str, MatchedProduct]:
    """By the id of the order's line. A gift is named by the hub itself, whatever the account calls so."""
    named = [
        (NO_ACCOUNT if line.gift_rule else item.row.account, line.sku, line.order_line_id)
        for item in wanted
        for line in item.lines
        if line.sku
    ]
    skus: dict[str, set[str]] = {}
    for account, sku, _ in named:
        skus.setdefault(account, set()).add(sku)
    matched = {account: match_skus(session, account=account, skus=names) for account, names in skus.items()}
    return {line_id: matched[account][sku] for account, sku, line_id in named if sku in matched[account]}


def _order(
    item: Wanted,
    order: Order,
    products: Mapping[str, MatchedProduct],
    components: dict[tuple[str, str], tuple[tuple[str, Decimal], ...]],
    places: Mapping[Whereabouts, Place],
) -> PlanOrder:
    row = item.row
    lines: list[PlanLine] = []
    due = _expected(order)
    for line in item.lines:
        found = _lines(line, products.get(line.order_line_id), components)
        day = due.get(line.external_id) if due else None
        lines.extend(found if day is None else [replace(one, due_at=day) for one in found])
    requires = {name for line in item.lines for name in _requires(products.get(line.order_line_id))}
    to = order.ship_to
    place = places.get(_whereabouts(to)) if to and not _has_coordinates(to) else None
    at = place or to
    return PlanOrder(
        order_id=row.order_id, number=row.number, placed_at=row.placed_at, lines=tuple(lines),
        facts=_facts(order, row, item.connection, lines, requires), country=(to.country if to else None) or "",
        region=(to.region_code or to.region or "") if to else "", postal_code=(to.postal_code if to else None) or "",
        latitude=at.latitude if at else None, longitude=at.longitude if at else None,
        located_by=f"{place.kind} {place.name}" if place else "",
        priority=row.priority, pinned_location=row.pinned_location,
        excluded_locations=dict.fromkeys(item.rejected, "it refused this order before"),
        deliver_by=row.deliver_by, total_minor=row.grand_minor,
    )  # fmt: skip


def _ages(session: Session, rules: CompiledRuleSet, skus: Collection[str], at: datetime) -> dict[tuple[str, str], int]:
    """Days by (location, SKU); asked for only where a rule ranks by them."""
    if "stock_age" not in named_rankers(rules):
        return {}
    return {key: max(0, (at - since).days) for key, since in lying_since(session, skus=skus).items()}


def _places(session: Session, orders: Sequence[Order]) -> dict[Whereabouts, Place]:
    return locate_all(
        session,
        {_whereabouts(order.ship_to) for order in orders if order.ship_to and not _has_coordinates(order.ship_to)},
    )


def _has_coordinates(address: Address) -> bool:
    return address.latitude is not None and address.longitude is not None


def _whereabouts(address: Address) -> Whereabouts:
    region = address.region_code or address.region or ""
    return Whereabouts(address.country or "", region, address.postal_code or "", address.city or "")


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


def _expected(order: Order) -> dict[str, datetime]:
    """When the goods of a pre-order are expected, by the source's id of the line."""
    return {
        line.external_id: line.due_at
        for line in order.lines
        if line.due_at is not None and (line.kind == "preorder" or order.kind == "preorder")
    }


def _requires(product: MatchedProduct | None) -> tuple[str, ...]:
    return tuple(product.requires) if product is not None else ()
