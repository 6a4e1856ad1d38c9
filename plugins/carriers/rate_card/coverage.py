"""What `check` finds in a valid card: zones and weights without a price, zones that are never reached."""

from collections.abc import Iterator

from plugins.carriers.rate_card.parts import ANY, Service, Table, Zone
from plugins.carriers.rate_card.settings import RateCardSettings


def problems_of(settings: RateCardSettings) -> list[str]:
    """Sentences that name the hole and what to do; empty for a card without one."""
    problems = [*_hidden(settings.zones, "zones")]
    served = {table.zone for service in settings.services if not service.zones for table in service.tables}
    problems += [
        f"zone {name!r}: no service has a table for it; add a table or remove the zone"
        for name in dict.fromkeys(zone.name for zone in settings.zones)
        if name not in served
    ]
    for at, service in enumerate(settings.services):
        problems += _hidden(service.zones, f"services[{at}].zones")
        own = {table.zone for table in service.tables}
        problems += [
            f"services[{at}]: its own zone {name!r} has no table; add one or remove the zone"
            for name in dict.fromkeys(zone.name for zone in service.zones)
            if name not in own
        ]
        problems += [text for place, table in enumerate(service.tables) for text in _light(service, table, at, place)]
    return problems


def _hidden(zones: tuple[Zone, ...], path: str) -> Iterator[str]:
    everything = None
    for index, zone in enumerate(zones):
        if everything is not None:
            yield f"{path}[{index}] {zone.name!r} is never reached: {everything!r} before it takes every destination"
        elif not zone.origins and any(
            place.country == ANY and not place.regions and not place.postcodes for place in zone.destinations
        ):
            everything = zone.name


def _light(service: Service, table: Table, at: int, place: int) -> Iterator[str]:
    reach = table.steps[-1].up_to_grams
    if table.additional is None and service.max_grams is not None and reach < service.max_grams:
        yield (
            f"services[{at}].tables[{place}]: no price from {reach} g to max_grams {service.max_grams} g; "
            "add steps or additional, or lower max_grams"
        )
