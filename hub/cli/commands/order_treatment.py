"""`hub orders assign` and `hub orders prioritise`: whose work an order is, and what is served before it."""

import click

from hub.cli.bootstrap import writing
from hub.cli.environment import actor
from hub.cli.output import emit, json_option, say
from hub.orders.service.changes import OrderChanges, lock
from hub.orders.service.holding import find_order
from hub.orders.service.treatment import assign_order, prioritise_order


@click.command()
@click.argument("order")
@click.argument("assignee", metavar="TO", required=False)
@json_option
def assign(order: str, assignee: str | None, as_json: bool) -> None:
    """Give ORDER to a team or a person; without TO, let the rules say it again, from its next review on."""
    with writing() as (runtime, session):
        row, changes = find_order(session, order), OrderChanges()
        stored = lock(session, changes, [row.order_id])[row.order_id]
        assign_order(changes, stored, assignee=assignee, actor=actor())
        changes.flush(session, at=runtime.clock.now())
        document = {"order_id": row.order_id, "number": row.number, "assignee": assignee}
    if as_json:
        emit(document)
        return
    say(f"Order {document['number']} is work of {assignee}." if assignee else "The rules say whose work it is.")


@click.command()
@click.argument("order")
@click.argument("priority", type=click.IntRange(0, 1000), required=False)
@json_option
def prioritise(order: str, priority: int | None, as_json: bool) -> None:
    """Serve ORDER before those of a higher PRIORITY (100 is ordinary); without it, let the rules say it again."""
    with writing() as (runtime, session):
        row, changes = find_order(session, order), OrderChanges()
        stored = lock(session, changes, [row.order_id])[row.order_id]
        prioritise_order(changes, stored, priority=priority, actor=actor())
        changes.flush(session, at=runtime.clock.now())
        document = {"order_id": row.order_id, "number": row.number, "priority": priority}
    if as_json:
        emit(document)
        return
    said = "The rules say it" if priority is None else f"Order {document['number']} has priority {priority}"
    say(f"{said}.")
