"""What makes two deliveries the same message."""

from hub.sdk.values import Raw


def dedupe_key(raw: Raw, message_id: str, *, family: str = "channel") -> str:
    """The source's delivery id, else kind + id + revision.

    A source without both gets a key of its own for each delivery: a digest that is unique for ever would drop the
    third of
    the stock figures 5, 4, 5. Whether the document says anything new is seen when it is applied, under its lane.
    `family` is the connection's kind: a carrier and a shop may go by one account, and their ids mean different things.
    """
    prefix = "" if family == "channel" else f"{family}:"
    if raw.event_id:
        return f"{prefix}event:{raw.event_id}"
    if raw.external_id and raw.revision:
        return f"{prefix}revision:{raw.kind or ''}:{raw.external_id}:{raw.revision}"
    return f"message:{message_id}"


def lane(account: str, raw: Raw, message_id: str) -> str:
    """Messages about one object are handled one after the other."""
    return f"in:{account}:{raw.external_id or message_id}".replace("\x00", "\ufffd")[:250]
