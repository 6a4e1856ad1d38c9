"""`hub routing places`: where orders go whose source gives no coordinates."""

from dataclasses import asdict
from pathlib import Path

import click

from hub.cli.bootstrap import reading, writing
from hub.cli.environment import actor
from hub.cli.errors import describe_fault
from hub.cli.options import TABLE_FILE, read_rows
from hub.cli.output import emit, json_option, note, say
from hub.cli.tables import print_facts, progress
from hub.kit.errors import NotFound
from hub.routing.rules.places import Whereabouts
from hub.routing.service.places import import_places, locate_all


class CountryCode(click.ParamType[str]):
    """An ISO 3166-1 alpha-2 code."""

    name = "country"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The code in capitals."""
        if len(value) != 2 or not (value.isascii() and value.isalpha()):
            self.fail(f"{value!r} is no code of two letters such as DE.", param, ctx)
        return value.upper()


@click.group()
def places() -> None:
    """Tables of postal codes and cities, from which distances are computed."""


@places.command("import")
@click.argument("file", type=TABLE_FILE)
@click.option("--country", type=CountryCode(), help="All rows are of this country.")
@click.option("--skip-faulty", is_flag=True, help="Store the good rows and report the others.")
@json_option
def import_command(file: Path, country: str | None, skip_faulty: bool, as_json: bool) -> None:
    """Take in FILE: CSV with a header or a JSON list of objects, also packed (.gz).

    A row has latitude and longitude, and a postal code (postal_code or zip) or a city (city or name, with region and
    population if known), and its country unless --country is given; other columns are passed over, so tables of
    GeoNames can be taken as they are. A place that is known gets its new coordinates.
    """
    rows = read_rows(file)
    with writing() as (runtime, session), progress("Places", None) as bar:
        done = import_places(
            session, rows=rows, country=country, at=runtime.clock.now(), actor=actor(), skip_faulty=skip_faulty,
            tell=lambda count, total: bar.update(bar.task_ids[0], completed=count, total=total),
        )  # fmt: skip
    faults = [fault.as_problem() for fault in done.faults]
    if as_json:
        emit({"postal_codes": done.postal_codes, "cities": done.cities, "faults": faults})
        return
    for fault in faults:
        note(f"left out: {describe_fault(fault)}")
    say(f"{done.postal_codes} postal codes and {done.cities} cities are known now, {len(faults)} rows left out.")


@places.command()
@click.argument("country", type=CountryCode())
@click.argument("postal_code_or_city")
@click.option("--region", default="", help="Code of the region, for cities of one name.")
@json_option
def find(country: str, postal_code_or_city: str, region: str, as_json: bool) -> None:
    """Say where an address of COUNTRY with this postal code, or in this city, is taken to lie."""
    wanted = Whereabouts(country, region, postal_code_or_city, postal_code_or_city)
    with reading() as (_, session):
        place = locate_all(session, [wanted]).get(wanted)
    if place is None:
        raise NotFound("place", f"{country} {postal_code_or_city}")
    if as_json:
        emit(asdict(place))
        return
    print_facts(asdict(place))
