"""`hub routing gifts`: what rules have given away."""

import click

from hub.cli.bootstrap import reading
from hub.cli.options import limit_option
from hub.cli.output import emit, json_option
from hub.cli.tables import print_table
from hub.routing.schemas_gifts import GiftOut
from hub.routing.service.given import list_given

_COLUMNS = ("rule", "sku", "active", "given", "since", "max_per_order", "max_per_customer", "max_total", "left")


@click.command()
@limit_option
@json_option
def gifts(limit: int, as_json: bool) -> None:
    """Show what each rule has given of each product, its caps, and what is left to give."""
    with reading() as (_, session):
        rows = [GiftOut.of(gift).model_dump(mode="json") for gift in list_given(session, after=None, limit=limit)]
    if as_json:
        emit({"gifts": rows})
        return
    print_table(rows, _COLUMNS, empty="No rule gives anything, and none has: rules do it by the action `add_gift`.")
