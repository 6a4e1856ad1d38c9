"""The figure of a hot SKU: eight writers want the same one at the same moment, and there is not enough for all."""

import time
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal

from bench.end_to_end import Incomplete
from bench.orders import sku
from bench.place import Place
from bench.processes import Child
from bench.report import Figure
from bench.world import WAREHOUSES, World, runtime_of
from hub.inventory import repository
from hub.inventory.rules.levels import StockEntry
from hub.inventory.service.change import stocktake
from hub.kit.clock import SYSTEM

WRITERS, TARGET = 8, 1_000
BATCH = 50
"""Orders of one transaction: planning takes what has come meanwhile, so a hot SKU has batches of its own making."""


@dataclass(frozen=True, slots=True)
class Rush:
    """What the writers got, and how many units a second."""

    granted: int
    rate: float


def hot_sku(place: Place) -> list[Figure]:
    """Reservations a second, and that no more was promised than there was."""
    each = place.size(4_000, 400)
    world = place.world(database_url=place.database(), broker=False)
    stock = WRITERS * each * 3 // 4
    ours, oversold = _rush(place, world, "hub", sku(0), each=each, batch=BATCH, stock=stock)
    bare, _ = _rush(place, world, "bare", sku(1), each=each, batch=BATCH, stock=stock)
    single, more = _rush(place, world, "hub", sku(2), each=each // 20, batch=1, stock=stock // 20)
    reached = ours.rate >= TARGET and not oversold and not more
    note = (
        f"{WRITERS} processes, {BATCH} orders a transaction, {stock:,} units for {WRITERS * each:,} orders: "
        f"{oversold + more} oversold; {single.rate:,.0f} a second where each is a transaction of its own; ceiling: the "
        "same rows by bare psycopg"
    )
    return [Figure("hot_sku", round(ours.rate), "reservations/s", TARGET, reached, round(bare.rate), note)]


def _rush(
    place: Place, world: World, mode: str, article: str, *, each: int, batch: int, stock: int
) -> tuple[Rush, int]:
    """Let the writers loose; what they got, and by how much that is more than there was."""
    location, url = WAREHOUSES[0][0], str(world.settings.database_url)
    with runtime_of(world) as runtime, runtime.database.write() as session:
        entry = StockEntry(location, article, Decimal(stock))
        stocktake(session, entries=[entry], at=SYSTEM.now(), actor="bench")
    go = place.folder / f"go-{article}"
    arguments = ["-m", "bench.reserver", mode, url, location, article, str(each), str(batch), str(go)]
    with ExitStack() as stack:
        log = place.folder / "reserver.log"
        writers = [stack.enter_context(Child(arguments, log=log)) for _ in range(WRITERS)]
        for writer in writers:
            writer.document()
        began = time.time()
        go.touch()
        outcomes = [writer.document() for writer in writers]
    granted = sum(outcome["granted"] for outcome in outcomes)
    place.tell(granted)
    if granted < stock:
        raise Incomplete(f"{granted} of {stock} units were granted although more were wanted")
    with runtime_of(world) as runtime, runtime.database.read() as session:
        levels = repository.list_levels(session, location=location, sku=article, after=None, limit=1)
        drifted = repository.drift(session)
    if drifted:
        raise Incomplete(f"the levels differ from their ledger: {drifted[0]}")
    oversold = max(granted, int(levels[0].reserved)) - stock
    return Rush(granted, granted / (max(outcome["ended"] for outcome in outcomes) - began)), oversold
