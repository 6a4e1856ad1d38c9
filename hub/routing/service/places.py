"""Tables of places: taken in by people, asked where orders without coordinates go."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from hub.audit.service.record import record
from hub.kit.errors import InvalidInput
from hub.routing import repository
from hub.routing.rules.places import Place, Whereabouts, by_name, largest, locate, read_place
from hub.sdk.readers.stated import MAX_FAULTS, CellFault, StatedRow, read_stated_csv

AT_ONCE = 2000
"""Places that one statement stores."""


@dataclass(frozen=True, slots=True)
class PlacesImport:
    """How many places were stored, by kind; `faults` are of the rows that were left out."""

    postal_codes: int
    cities: int
    faults: tuple[CellFault, ...]


def import_places(
    session: Session, *, rows: str | Sequence[Mapping[str, object]], country: str | None, at: datetime, actor: str,
    skip_faulty: bool = False, tell: Callable[[int, int], None] | None = None,
) -> PlacesImport:  # fmt: skip
    """Store the places of CSV text or of JSON rows, all of `country` if given; a place that is known gets its new
    coordinates, so that a table may be taken in again. Audited.

    Where there are faults nothing is stored and `InvalidInput` (`import_faults`) names all of them, unless
    `skip_faulty`. `tell` is called with how many of how many are stored.
    """
    faults: list[CellFault] = []
    read = [read_place(cells, country) for cells in _rows(rows, faults)]
    faults.sort(key=lambda fault: fault.row)
    if faults and not skip_faulty:
        raise InvalidInput(
            "import_faults", f"{len(faults)} faults in the table, nothing was stored: correct them and send it again.",
            extra={"errors": [fault.as_problem() for fault in faults[:MAX_FAULTS]]},
        )  # fmt: skip
    places = largest(place for place in read if place is not None)
    for start in range(0, len(places), AT_ONCE):
        repository.put_places(session, [asdict(place) for place in places[start : start + AT_ONCE]])
        if tell is not None:
            tell(min(start + AT_ONCE, len(places)), len(places))
    postal_codes = sum(place.kind == "postal" for place in places)
    countries = sorted({place.country for place in places})
    record(
        session, actor=actor, action="places.imported", subject_kind="places", subject_id=country or "all",
        after={"places": len(places), "countries": countries}, at=at,
    )  # fmt: skip
    return PlacesImport(postal_codes, len(places) - postal_codes, tuple(faults))


def locate_all(session: Session, wanted: Collection[Whereabouts]) -> dict[Whereabouts, Place]:
    """Where addresses lie; one that no table knows is not in the answer. One statement for all of them."""
    named = {(one.country, name) for one in wanted if one.country for name in one.names()}
    if not named:
        return {}
    known = by_name(repository.places(session, countries={one for one, _ in named}, names={name for _, name in named}))
    return {one: place for one in wanted if (place := locate(one, known)) is not None}


def _rows(rows: str | Sequence[Mapping[str, object]], faults: list[CellFault]) -> Iterable[StatedRow]:
    if isinstance(rows, str):
        return read_stated_csv(rows, faults)
    return [StatedRow(number, row, faults) for number, row in enumerate(rows, start=1)]
