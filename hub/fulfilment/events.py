"""Names of what fulfilment publishes; `flows.subscriptions` says what follows."""

SUBMITTED = "fulfilment.submitted"
"""An outside location has work to answer; subject: fulfilment order."""

CANCEL_REQUESTED = "fulfilment.cancel_requested"
"""An outside location has work that is to be stopped, and must answer; subject: fulfilment order."""

CANCEL_ACCEPTED = "fulfilment.cancel_accepted"
"""Nobody goes on with this work: it is to be ended; subject: fulfilment order."""

CANCEL_REFUSED = "fulfilment.cancel_refused"
"""A location ships although it was asked to stop; subject: fulfilment order."""

REJECTED = "fulfilment.rejected"
"""A location refused; subject: order, to be planned again without it."""

SHIPPED = "fulfilment.shipped"
"""Parcels were handed over; subject: shipment."""

DELIVERED = "fulfilment.delivered"
"""All parcels of a shipment arrived; subject: shipment."""

SHORT = "fulfilment.short"
"""Less was picked than asked for; subject: order, the rest to be planned again."""
