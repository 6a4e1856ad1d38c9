"""`hub routing waves`: what came of orders that were planned together."""

import click

from hub.cli.bootstrap import reading
from hub.cli.options import after_option, limit_option
from hub.cli.output import emit, json_option, page
from hub.cli.tables import print_table
from hub.routing.repository_waves import newest_waves
from hub.routing.schemas_waves import WaveOut

_COLUMNS = (
    "planned_at", "orders", "currency", "greedy_minor", "cost_minor", "saved_minor", "sent_more", "millis",
    "fell_back", "reason",
)  # fmt: skip


@click.command()
@limit_option
@after_option
@json_option
def waves(limit: int, after: str | None, as_json: bool) -> None:
    """Show the newest waves: greedy's cost, theirs, what was saved, how long it took, and whether greedy decided."""
    with reading() as (_, session):
        found = newest_waves(session, before=after, limit=limit + 1)
        rows = [WaveOut.of(row).model_dump(mode="json") for row in page(found, limit, lambda row: row.wave_id)]
    if as_json:
        emit({"waves": rows})
        return
    print_table(rows, _COLUMNS, empty="No orders were planned together yet: rules ask for it by the action `strategy`.")
