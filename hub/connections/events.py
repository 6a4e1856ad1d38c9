"""What connections tell those above."""

from hub.jobs.events import Event


def carrier_changed(*, connection_id: str, version: int) -> Event:
    """`connections.carrier_changed`: a carrier was added, or is set up differently; subject: connection."""
    return Event(
        kind="connections.carrier_changed", subject_id=connection_id, cause=str(version),
        lane=f"connection:{connection_id}", data={"carrier": connection_id},
    )  # fmt: skip
