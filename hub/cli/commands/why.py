"""`hub routing why`: why an order goes where it goes."""

from shlex import quote

import click

from hub.cli.bootstrap import reading
from hub.cli.output import emit, json_option, say
from hub.fulfilment.service.consolidate import told_together
from hub.inventory.service.gathering import told_transfers
from hub.kit.errors import HubError
from hub.orders.service.holding import find_order
from hub.routing import repository
from hub.routing.rules.explain import explain, explain_flips, explain_location
from hub.routing.schemas import FlipsOut
from hub.routing.service.why import flips_of


@click.command()
@click.argument("order")
@click.argument("location", required=False)
@click.option("--not", "not_from", metavar="LOCATION", help="Why not from there; the same as LOCATION.")
@json_option
def why(order: str, location: str | None, not_from: str | None, as_json: bool) -> None:
    """Say why ORDER (number or id) is sent from where it is sent; with LOCATION, why from there or why not.

    The last lines name the smallest change that would have sent it elsewhere: so many more of a SKU, a lower price.
    The order is planned again with it, from its stored inputs, so they are exact.
    """
    if location and not_from:
        raise click.UsageError("name the location once: LOCATION or --not LOCATION")
    location = location or not_from
    with reading() as (runtime, session):
        row = find_order(session, order)
        decision = repository.latest_decision(session, row.order_id)
        if decision is None:
            raise HubError(
                404,
                "no_decision",
                f"Nothing was planned for order {order!r} yet: `hub orders show {quote(order)}` says why.",
            )
        lines = explain(decision.body) if location is None else explain_location(decision.body, location)
        lines.extend(told_transfers(session, row.order_id))
        lines.extend(told_together(session, row.order_id))
        flips = flips_of(session, decision=decision, location=location, adapters=runtime.adapters)
        lines.extend(explain_flips(*flips))
        document = {
            "order_id": row.order_id, "number": row.number, "decided_at": decision.decided_at,
            "outcome": decision.outcome, "rule_set_id": decision.rule_set_id, "explanation": lines,
            "flips": FlipsOut.of(*flips).model_dump(mode="json"), "decision": decision.body,
        }  # fmt: skip
    if as_json:
        emit(document)
        return
    for line in lines:
        say(line)
