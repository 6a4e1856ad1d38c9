"""What the catalogue tells those above. The full SKU is in the data: a subject holds at most 80 characters."""

from hub.jobs.events import Event

SUBJECT_LENGTH = 80


def sku_mapped(*, account: str, channel_sku: str, sku: str, cause: str) -> Event:
    """`catalog.sku_mapped`: orders of the account that wait for this channel SKU can go on."""
    return Event(
        kind="catalog.sku_mapped",
        subject_id=channel_sku[:SUBJECT_LENGTH],
        cause=cause,
        lane=f"sku:{channel_sku}",
        data={"account": account, "channel_sku": channel_sku, "sku": sku},
    )


def product_added(*, sku: str, cause: str) -> Event:
    """`catalog.product_added`: a SKU is new or active again; orders of any account that wait for it can go on."""
    return Event(
        kind="catalog.product_added", subject_id=sku[:SUBJECT_LENGTH], cause=cause, lane=f"sku:{sku}", data={"sku": sku}
    )


def code_mapped(*, connection_id: str, field: str, value: str, cause: str) -> Event:
    """`catalog.code_mapped`: messages of the connection with this code can be read now."""
    return Event(
        kind="catalog.code_mapped",
        subject_id=value[:SUBJECT_LENGTH],
        cause=cause,
        lane=f"code:{connection_id}:{field}:{value}"[:250],
        data={"connection_id": connection_id, "field": field, "value": value},
    )
