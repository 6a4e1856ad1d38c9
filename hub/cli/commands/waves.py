"""`hub routing waves`: what came of orders that were planned together."""

import click

from hub.cli.bootstrap import reading
from hub.cli.options import limit_option
from hub.cli.output import emit, json_option
from hub.cli.tables import print_table
from hub.routing.repository_waves import newest_waves
from hub.routing.schemas_waves import WaveOut

_COLUMNS = (
    "planned_at", "orders", "currency", "greedy_minor", "cost_minor", "saved_minor", "sent_more", "millis",
    "fell_back", "reason",
)  # fmt: skip


@click.command()
@limit_option
@json_option
def waves(limit: int, as_json: bool) -> None:
    """Show the newest waves: greedy's cost, theirs, what was saved, how long it took, and whether greedy decided."""
    with reading() as (_, session):
        rows = [
            WaveOut.of(row).model_dump(mode="json") for row in newest_waves(session, before=None, limit=limit)
        ]  # fmt: skip
    if as_json:
        emit({"waves": rows})
        return
    print_table(rows, _COLUMNS, empty="No orders were planned together yet: rules ask for it by the action `strategy`.")
