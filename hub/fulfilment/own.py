"""Keys of one location: a warehouse outside reaches its own work and its own shipments, and hears of no other.

`own_work` and `own_shipment` are dependencies of a whole router, so that no route of it can be forgotten.
"""

from collections.abc import Callable, Collection, Iterable
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.orm import Session

from hub.auth.api import authenticated
from hub.auth.service.keys import Principal
from hub.fulfilment import repository
from hub.fulfilment.tables import FulfilmentOrderRow, ShipmentRow
from hub.kit.db import Database
from hub.kit.errors import NotFound

Asking = Annotated[Principal, Depends(authenticated)]
Find = Callable[[Session, str], FulfilmentOrderRow | ShipmentRow | None]


def own_work(request: Request, principal: Asking) -> None:
    """404 for the fulfilment orders of another location, named in the path or in the query."""
    named = request.query_params.getlist("fulfilment_order")
    _hide("fulfilment_order", repository.find_fulfilment_order, request, principal, named)


def own_shipment(request: Request, principal: Asking) -> None:
    """404 for the shipments of another location."""
    _hide("shipment", repository.find_shipment, request, principal, ())


def refuse_other_parcels(session: Session, principal: Principal, numbers: Collection[str]) -> None:
    """404 for tracking numbers that are not those of parcels from the key's location, and from there alone."""
    if principal.location is None:
        return
    origins = repository.origins(session, numbers)
    for number in sorted(numbers):
        if origins.get(number) != {principal.location}:
            raise NotFound("parcel", number)


def _hide(what: str, find: Find, request: Request, principal: Principal, named: Iterable[str]) -> None:
    references = [*named, *([request.path_params["reference"]] if "reference" in request.path_params else [])]
    if principal.location is None or not references:
        return
    database: Database = request.app.state.database
    with database.read() as session:
        for reference in references:
            row = find(session, reference)
            if row is None or row.location != principal.location:
                raise NotFound(what, reference)
