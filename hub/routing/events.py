"""What routing tells those above."""

from hub.jobs.events import Event


def rules_activated(*, rule_set_id: str, cause: str) -> Event:
    """`routing.rules_activated`: other rules decide from now on; what they could not plan may be planned now."""
    return Event(kind="routing.rules_activated", subject_id=rule_set_id, cause=cause, lane="routing:rules")


def inputs_changed(*, location: str, cause: str) -> Event:
    """`routing.inputs_changed`: a location has another calendar or capacity."""
    return Event(
        kind="routing.inputs_changed",
        subject_id=location,
        cause=cause,
        lane=f"location:{location}",
        data={"location": location},
    )
