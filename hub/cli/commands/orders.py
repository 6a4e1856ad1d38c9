"""`hub orders`: see, hold, release and cancel orders."""

from collections.abc import Sequence
from shlex import quote
from typing import Any

import click
from sqlalchemy.orm import Session

from hub.canonical.money import Money
from hub.cli.bootstrap import reading, tell_about_work, writing
from hub.cli.commands.order_treatment import assign, prioritise
from hub.cli.environment import actor
from hub.cli.options import NAMES, limit_option
from hub.cli.output import emit, json_option, page, say
from hub.cli.tables import print_facts, print_table
from hub.connections.service.adapters import load_by_name
from hub.flows.cancel import cancel as cancel_flow
from hub.flows.continue_orders import release_and_continue
from hub.kit.errors import StateConflict
from hub.kit.ids import is_id, new_id
from hub.orders import repository
from hub.orders.service.changes import OrderChanges, lines_of, lock
from hub.orders.service.holding import find_order, hold_orders
from hub.orders.service.search import After, OrderFilter, list_orders
from hub.orders.tables import COUNTERS, OrderEventRow, OrderHoldRow, OrderRow

_COLUMNS = ("number", "lifecycle", "review", "payment", "holds", "grand_total", "currency", "placed_at", "order_id")
_LINE_COLUMNS = ("position", "sku", "name", "ordered", "cancelled", "allocated", "backordered", "shipped", "delivered")
_HOLD_COLUMNS = ("reason_code", "message", "placed_by", "placed_at", "release")
_EVENT_COLUMNS = ("sequence", "at", "kind", "actor", "data")
HELD_BY_A_PERSON = "manual"


@click.group()
def orders() -> None:
    """See, hold, release and cancel orders. ORDER is a number or an id."""


orders.add_command(assign)
orders.add_command(prioritise)


@orders.command("list")
@click.option("--number", help="The channel's number.")
@click.option("--email", help="The buyer's e-mail address.")
@click.option("--phone", help="The receiver's phone number.")
@click.option("--sku", help="With this SKU on a line.")
@click.option("--hold", metavar="REASON", help="Held for this reason, e.g. unknown_sku.")
@click.option("--assignee", help="Work of this team or person.")
@click.option("--connection", metavar="NAME", help="Of this connection.")
@click.option("--lifecycle", type=click.Choice(("open", "completed", "cancelled", "expired")), help="In this state.")
@click.option("--review", help="In this state of review, e.g. queued.")
@limit_option
@click.option("--after", metavar="ID", help="Go on after this order.")
@json_option
def list_command(
    number: str | None, email: str | None, phone: str | None, sku: str | None, hold: str | None, assignee: str | None,
    connection: str | None, lifecycle: str | None, review: str | None, limit: int, after: str | None, as_json: bool,
) -> None:  # fmt: skip
    """List orders, newest first."""
    if after is not None and not is_id(after):
        raise click.BadParameter("is no order id", param_hint="--after")
    with reading() as (_, session):
        wanted = OrderFilter(
            number=number, email=email, phone=phone, sku=sku, hold=hold, assignee=assignee, lifecycle=lifecycle,
            review=review,
            connection_id=load_by_name(session, connection).connection_id if connection else None,
        )  # fmt: skip
        found = list_orders(session, wanted=wanted, after=After(after) if after else None, limit=limit + 1)
        rows = page(found, limit, lambda row: row.order_id)
        holds = repository.open_holds(session, [row.order_id for row in rows])
        documents = [_summary(row, holds.get(row.order_id, [])) for row in rows]
    if as_json:
        emit(documents)
        return
    print_table(documents, _COLUMNS, empty="There are no such orders.")


@orders.command()
@click.argument("order")
@json_option
def show(order: str, as_json: bool) -> None:
    """Show one order: where it stands, its lines, what holds it; with --json also what its channel states."""
    with reading() as (_, session):
        row = find_order(session, order)
        holds = repository.open_holds(session, [row.order_id]).get(row.order_id, [])
        lines = [
            {
                name: getattr(line, name)
                for name in ("order_line_id", "external_id", "position", "sku", "product_sku", "name", *COUNTERS)
            }
            for line in lines_of(session, [row.order_id])[row.order_id]
        ]
        document = {**_summary(row, holds), "open_holds": [_hold(hold) for hold in holds], "lines": lines}
        stated = row.document
    if as_json:
        emit({**document, "document": stated})
        return
    print_facts({name: value for name, value in document.items() if name not in ("lines", "open_holds")})
    say("")
    print_table(lines, _LINE_COLUMNS, empty="It has no lines.")
    if holds:
        print_table(document["open_holds"], _HOLD_COLUMNS, empty="")
    say(f"What happened: `hub orders timeline {quote(order)}`. Why from there: `hub routing why {quote(order)}`.")


@orders.command()
@click.argument("order")
@click.option("--limit", type=click.IntRange(1, 10_000), default=1000, show_default=True, help="At most so many.")
@click.option("--after", type=int, default=0, metavar="SEQUENCE", help="Go on after this event.")
@json_option
def timeline(order: str, limit: int, after: int, as_json: bool) -> None:
    """Show what happened to an order, by whom and why, in the order in which it happened."""
    with reading() as (_, session):
        row = find_order(session, order)
        found = repository.timeline(session, row.order_id, after=after, limit=limit + 1)
        events = [_event(event) for event in page(found, limit, lambda event: str(event.sequence))]
    if as_json:
        emit(events)
        return
    rows = [{**event, "data": _in_words(event["data"])} for event in events]
    print_table(rows, _EVENT_COLUMNS, empty="Nothing happened to it yet.")


@orders.command()
@click.argument("references", nargs=-1, required=True, metavar="ORDER...")
@click.option("--message", required=True, help="Why, for those who look at the order.")
@click.option("--reason", default=HELD_BY_A_PERSON, show_default=True, help="A short code to find such holds by.")
@json_option
def hold(references: tuple[str, ...], message: str, reason: str, as_json: bool) -> None:
    """Hold orders: nothing more is planned, bought or handed over for them until they are released."""
    with writing() as (runtime, session):
        order_ids = _ids(session, references)
        held = hold_orders(
            session, order_ids=order_ids, reason_code=reason, message=message, actor=actor(), at=runtime.clock.now()
        )
        for refusal in held.refused.values():
            raise refusal  # the transaction is undone: all are held, or none
    _done(
        as_json, [{"order_id": order_id, "held": True} for order_id in order_ids], f"{len(order_ids)} orders are held."
    )


@orders.command()
@click.argument("references", nargs=-1, required=True, metavar="ORDER...")
@click.option("--reasons", type=NAMES, help="Release only holds with these reason codes; all, if left out.")
@click.option("--note", help="Why, for the timeline.")
@json_option
def release(references: tuple[str, ...], reasons: tuple[str, ...] | None, note: str | None, as_json: bool) -> None:
    """Release what holds orders; those with no hold left go on at once: planned, shipped and posted."""
    with writing() as (runtime, session):
        order_ids = _ids(session, references)
        free = release_and_continue(
            session, runtime.services, order_ids=order_ids, reason_codes=reasons, actor=actor(),
            at=runtime.clock.now(), note=note,
        )  # fmt: skip
    documents = [{"order_id": order_id, "free": order_id in free} for order_id in order_ids]
    _done(as_json, documents, f"{len(free)} of {len(order_ids)} orders have no hold left.")
    if not as_json:
        tell_about_work(runtime)


@orders.command()
@click.argument("references", nargs=-1, required=True, metavar="ORDER...")
@click.option("--reason", help="Why, for the timeline.")
@json_option
def cancel(references: tuple[str, ...], reason: str | None, as_json: bool) -> None:
    """Cancel orders: at once where nobody has begun, else by stopping them before they ship."""
    with writing() as (runtime, session):
        order_ids = _ids(session, references)
        changes = OrderChanges()
        rows = lock(session, changes, order_ids)
        for row in rows.values():
            if row.lifecycle in ("completed", "expired"):
                detail = f"Order {row.number} is {row.lifecycle}: it cannot be cancelled any more."
                raise StateConflict("order_not_open", detail)
        documents = [
            {
                "order_id": order_id,
                "cancelled": cancel_flow(
                    session, changes, stored=rows[order_id], actor=actor(), cause=new_id(),
                    reason=reason, at=runtime.clock.now(),
                ),
            }
            for order_id in order_ids
        ]  # fmt: skip
        changes.flush(session, at=runtime.clock.now())
    whole = sum(bool(document["cancelled"]) for document in documents)
    begun = "" if whole == len(documents) else "; work has begun on the others and is being stopped"
    _done(as_json, documents, f"{whole} of {len(documents)} orders are cancelled{begun}.")
    if not as_json:
        tell_about_work(runtime)


def _ids(session: Session, references: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(find_order(session, reference).order_id for reference in references))


def _done(as_json: bool, documents: list[dict[str, Any]], said: str) -> None:
    if as_json:
        emit(documents)
        return
    say(said)


def _summary(row: OrderRow, holds: Sequence[OrderHoldRow]) -> dict[str, Any]:
    return {
        "order_id": row.order_id, "number": row.number, "external_id": row.external_id, "account": row.account,
        "kind": row.kind, "lifecycle": row.lifecycle, "review": row.review, "payment": row.payment,
        "holds": sorted(hold.reason_code for hold in holds),
        "currency": row.currency, "grand_total": _total(row),
        "test": row.test, "side_effects": row.side_effects, "pinned_location": row.pinned_location,
        "priority": row.priority, "assignee": row.assignee,
        "ship_by": row.ship_by, "deliver_by": row.deliver_by, "placed_at": row.placed_at,
        "accepted_at": row.accepted_at, "updated_at": row.updated_at, "version": row.version,
    }  # fmt: skip


def _total(row: OrderRow) -> str | None:
    if row.grand_minor is None or row.currency is None:
        return None
    return str(Money(minor=row.grand_minor, currency=row.currency))


def _hold(row: OrderHoldRow) -> dict[str, Any]:
    names = (*_HOLD_COLUMNS, "hold_id", "scope", "scope_id", "evidence", "release_at")
    return {name: getattr(row, name) for name in names}


def _event(row: OrderEventRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in (*_EVENT_COLUMNS, "cause", "lines")}


def _in_words(data: dict[str, Any]) -> str:
    return ", ".join(f"{name}: {value}" for name, value in data.items() if value not in (None, "", [], {}))
