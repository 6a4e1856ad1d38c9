"""Where a location sends to: countries, regions of them, ranges of postal codes, and what of these it does not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_MEMBERS = frozenset({"country", "regions", "from", "to"})


@dataclass(frozen=True, slots=True)
class Zone:
    """A country, or what of it lies in these regions and between these postal codes (the last included).

    `first` and `last` are compared with as many characters of a code as they have: `10` to `16` are all codes that
    begin with 10 to 16.
    """

    country: str
    regions: frozenset[str] = frozenset()
    first: str = ""
    last: str = ""

    def holds(self, country: str, region: str, postal_code: str) -> bool:
        """Whether an address lies in it; what the address does not say lies in no region and in no range."""
        if country != self.country or (self.regions and region.upper() not in self.regions):
            return False
        if not self.first:
            return True
        code = plain_code(postal_code)
        return bool(code) and code[: len(self.first)] >= self.first and code[: len(self.last)] <= self.last


@dataclass(frozen=True, slots=True)
class Area:
    """Zones that a location sends to (none: everywhere), and zones that it does not although they lie in those."""

    serves: tuple[Zone, ...] = ()
    excludes: tuple[Zone, ...] = ()

    def refusal(self, country: str, region: str, postal_code: str) -> str:
        """Why it does not send to an address; empty where it does."""
        if any(zone.holds(country, region, postal_code) for zone in self.excludes):
            return "the address is excluded from its area"
        if self.serves and not any(zone.holds(country, region, postal_code) for zone in self.serves):
            return "the address is outside its area" if country else "the country of the address is not known"
        return ""


def plain_code(code: str) -> str:
    """A postal code in upper case, letters and digits only: `K1A 0B1` -> `K1A0B1`."""
    return "".join(character for character in code.upper() if character.isalnum())


def area_of(body: Mapping[str, Any]) -> Area:
    """The area that a document states: `serves` and `excludes`, each a list of zones with `country`, and if need be
    `regions`, `from` and `to`. Raises ValueError that names every fault.
    """
    faults = [
        f"{name}: unknown, known are serves and excludes" for name in sorted(body.keys() - {"serves", "excludes"})
    ]
    serves = _zones(body.get("serves", []), "serves", faults)
    excludes = _zones(body.get("excludes", []), "excludes", faults)
    if not faults and not serves and not excludes:
        faults.append("serves: name at least one zone here or in excludes")
    if faults:
        raise ValueError("; ".join(faults))
    return Area(serves, excludes)


def _zones(found: object, name: str, faults: list[str]) -> tuple[Zone, ...]:
    if not isinstance(found, list):
        faults.append(f'{name}: must be a list of zones such as {{"country": "DE", "from": "10", "to": "16"}}')
        return ()
    return tuple(zone for index, one in enumerate(found) if (zone := _zone(one, f"{name}/{index}", faults)) is not None)


def _zone(found: object, path: str, faults: list[str]) -> Zone | None:
    if not isinstance(found, Mapping):
        faults.append(f"{path}: must be an object with a country")
        return None
    before = len(faults)
    faults.extend(
        f"{path}/{name}: unknown, known are {', '.join(sorted(_MEMBERS))}" for name in sorted(found.keys() - _MEMBERS)
    )
    country, regions = found.get("country"), found.get("regions", [])
    if not (isinstance(country, str) and len(country) == 2 and country.isalpha() and country.isupper()):
        faults.append(f"{path}/country: must be an ISO 3166-1 code such as DE")
    if not _are_texts(regions):
        faults.append(f"{path}/regions: must be a list of region codes")
    first, last = _range(found, path, faults)
    if len(faults) > before or not isinstance(country, str):
        return None
    return Zone(country, frozenset(region.upper() for region in regions), first, last)


def _range(found: Mapping[str, Any], path: str, faults: list[str]) -> tuple[str, str]:
    if "from" not in found and "to" not in found:
        return "", ""
    ends = [found.get(name) for name in ("from", "to")]
    first, last = (plain_code(end) if isinstance(end, str) else "" for end in ends)
    if not first or not last:
        faults.append(f"{path}: from and to are postal codes, or how they begin, and go together")
    elif first[: len(last)] > last[: len(first)]:
        faults.append(f"{path}: from {first} comes after to {last}")
    return first, last


def _are_texts(found: object) -> bool:
    return isinstance(found, Sequence) and not isinstance(found, str) and all(isinstance(text, str) for text in found)
