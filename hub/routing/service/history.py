"""What was around a decision when it was made: locations, calendars, capacities, rate cards of stored versions."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from hub.connections.service.adapters import Adapters, load_kind
from hub.inventory.rules.locations import Location
from hub.kit.rules.compiled import CompiledRuleSet, compile_rule_set
from hub.kit.rules.rule_set import RuleSet, read_rule_set
from hub.routing import repository
from hub.routing.rules.inputs import problem_again
from hub.routing.rules.values import PlanLocation, PlanningProblem, Rates
from hub.routing.service.inputs import BY_LOCATION, CarrierRates, plan_location
from hub.routing.tables import PlanningInputRow


class NotKept(Exception):
    """Something that a decision was made from is not there any more; the text says what."""


class History:
    """Puts the problems of stored decisions together again. It reads, and remembers what it read."""

    def __init__(self, session: Session, adapters: Adapters) -> None:
        self._session = session
        self._adapters = adapters
        self._carriers = {info.name: info for info in load_kind(session, "carrier")}
        self._inputs: dict[tuple[str, str, int], PlanningInputRow | None] = {}
        self._places: dict[tuple[str, str], tuple[Location, PlanLocation]] = {}
        self._rules: dict[str, CompiledRuleSet] = {}
        self._rates: dict[tuple[str, tuple[tuple[str, str], ...]], Rates] = {}

    def problem(self, inputs: Mapping[str, Any], rules: CompiledRuleSet) -> PlanningProblem:
        """The problem of one order as it was, to be solved by `rules`; raises `NotKept`."""
        versions = tuple((code, known.get("version", "")) for code, known in inputs["locations"].items())
        places = self.places(inputs)
        known = {code: location for code, (location, _) in places.items()}
        rates = self._rates_of(inputs["rates"], versions, known) if "rates" in inputs else None
        return problem_again(inputs, [place for _, place in places.values()], rules, rates)

    def places(self, inputs: Mapping[str, Any]) -> dict[str, tuple[Location, PlanLocation]]:
        """The locations of then by code; raises `NotKept`."""
        return {code: self._place(code, known.get("version", "")) for code, known in inputs["locations"].items()}

    def rates(self, cards: Mapping[str, int], known: Mapping[str, Location]) -> Rates:
        """The prices of these versions of carriers' rate cards, sent from these locations; raises `NotKept`."""
        carriers = []
        for name, version in cards.items():
            if name not in self._carriers:
                raise NotKept("its carrier is not connected any more")
            info = self._carriers[name]
            settings = self._input("rate_card", name, version).body
            carriers.append((info, self._adapters.carrier_as_of(info, settings)))
        return CarrierRates(carriers, known)

    def rules(self, rule_set_id: str) -> CompiledRuleSet:
        """The rules that decided; raises `NotKept`."""
        if rule_set_id not in self._rules:
            row = None if rule_set_id == repository.EMPTY_ID else repository.rule_set(self._session, rule_set_id)
            if row is None and rule_set_id != repository.EMPTY_ID:
                raise NotKept("its rules are not kept")
            self._rules[rule_set_id] = compile_rule_set(RuleSet() if row is None else read_rule_set(row.body))
        return self._rules[rule_set_id]

    def _place(self, code: str, version: str) -> tuple[Location, PlanLocation]:
        if (code, version) not in self._places:
            place, *others = (int(part) for part in version.split("."))
            body = self._input("location", code, place).body
            location = Location(
                **{**body, "capabilities": (*body["capabilities"],)}, code=code, name=code, version=place
            )
            found = {
                (kind, code): self._input(kind, code, number)
                for kind, number in zip(BY_LOCATION, others, strict=False)  # there were no areas at first
                if number
            }
            self._places[code, version] = location, plan_location(location, found, {})
        return self._places[code, version]

    def _rates_of(self, version: str, places: tuple[tuple[str, str], ...], known: Mapping[str, Location]) -> Rates:
        if (version, places) not in self._rates:
            cards = (part.rsplit(":", 1) for part in version.split(","))
            self._rates[version, places] = self.rates({name: int(number) for name, number in cards}, known)
        return self._rates[version, places]

    def _input(self, kind: str, key: str, version: int) -> PlanningInputRow:
        place = (kind, key, version)
        if place not in self._inputs:
            self._inputs[place] = repository.input_version(self._session, kind, key, version)
        row = self._inputs[place]
        if row is None:
            raise NotKept(f"its {kind.replace('_', ' ')} is not kept")
        return row
