"""What inventory tells those above. The full SKU is in the data: a subject holds at most 80 characters."""

from decimal import Decimal

from hub.jobs.events import Event

SUBJECT_LENGTH = 80


def stock_increased(*, sku: str, locations: list[str], cause: str) -> Event:
    """`inventory.stock_increased`: more of a SKU may be granted than before; parked orders may be planned again."""
    return Event(
        kind="inventory.stock_increased",
        subject_id=sku[:SUBJECT_LENGTH],
        cause=cause,
        lane=f"stock:{sku}",
        data={"sku": sku, "locations": locations},
    )


def stock_short(*, sku: str, location: str, short: Decimal, cause: str) -> Event:
    """`inventory.stock_short`: less is there than was promised; the youngest reservations must be planned again."""
    return Event(
        kind="inventory.stock_short",
        subject_id=sku[:SUBJECT_LENGTH],
        cause=f"{location}:{cause}",
        lane=f"stock:{sku}",
        data={"sku": sku, "location": location, "short": f"{short.normalize():f}"},
    )


def location_changed(*, code: str, version: int) -> Event:
    """`inventory.location_changed`: a location is new, or something that routing reads of it changed."""
    return Event(
        kind="inventory.location_changed",
        subject_id=code,
        cause=str(version),
        lane=f"location:{code}",
        data={"location": code},
    )


def transfer_changed(*, transfer_id: str, state: str, source: str, target: str, cause: str) -> Event:
    """`inventory.transfer_changed`: a transfer was made, shipped, received (also in part) or cancelled."""
    return Event(
        kind="inventory.transfer_changed",
        subject_id=transfer_id,
        cause=cause,
        lane=f"transfer:{transfer_id}",
        data={"state": state, "source": source, "target": target},
    )


def low_stock(*, sku: str, location: str, free: Decimal, reorder_point: Decimal, cause: str) -> Event:
    """`inventory.low_stock`: a level fell to its reorder point; not again before it has recovered."""
    return Event(
        kind="inventory.low_stock",
        subject_id=sku[:SUBJECT_LENGTH],
        cause=f"{location}:{cause}",
        lane=f"stock:{sku}",
        data={
            "sku": sku, "location": location, "free": f"{free.normalize():f}",
            "reorder_point": f"{reorder_point.normalize():f}",
        },
    )  # fmt: skip


def stock_recovered(*, sku: str, location: str, cause: str) -> Event:
    """`inventory.stock_recovered`: a level that was low is above its reorder point again."""
    return Event(
        kind="inventory.stock_recovered",
        subject_id=sku[:SUBJECT_LENGTH],
        cause=f"{location}:{cause}",
        lane=f"stock:{sku}",
        data={"sku": sku, "location": location},
    )
