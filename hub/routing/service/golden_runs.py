"""Run all golden orders against rules: at every save of a version, and when somebody asks."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy.orm import Session

from hub.connections.service.adapters import Adapters
from hub.inventory.rules.locations import Location
from hub.kit.errors import InvalidInput
from hub.kit.ids import new_id
from hub.kit.rules.compiled import CompiledRuleSet, compile_rule_set
from hub.kit.rules.rule_set import RuleSet, read_rule_set
from hub.kit.rules.validation import KnownReferences, RuleFault
from hub.routing import repository, repository_golden
from hub.routing.rules.golden import Golden, GoldenLocation, golden_faults, read_golden
from hub.routing.rules.golden_run import Broken, Came, broken_golden, decide_golden, gone, path_of
from hub.routing.rules.golden_world import Asked
from hub.routing.service.history import History, NotKept
from hub.routing.service.hooks import hooks_for, strategies_for
from hub.routing.service.references import known_references
from hub.routing.tables import GoldenOrderRow, GoldenRunRow, RuleSetRow

WhenBroken = Literal["refuse", "report"]
"""What becomes of a save that breaks golden orders: it is refused whole, or kept as a draft that says so."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of all golden orders: how many there are, and everything that is not as they want it."""

    stamp: str | None
    orders: int
    broken: tuple[Broken, ...]

    @property
    def names(self) -> list[str]:
        """Those that are broken."""
        return list(dict.fromkeys(fault.golden for fault in self.broken))


class GoldenRunner:
    """Runs golden orders against one rule set. It reads, and remembers what it read."""

    def __init__(self, session: Session, *, rules: CompiledRuleSet, adapters: Adapters, at: datetime) -> None:
        self._rules, self._at = rules, at
        self._known: KnownReferences = known_references(session, adapters)
        self._history = History(session, adapters)
        self._filters, self._ranks = hooks_for(adapters.host, rules)
        self._strategies = strategies_for(adapters.host)

    def broken(self, name: str, document: Any) -> list[Broken]:
        """What is not as a stored golden order wants it; also where what it names is not there any more."""
        faults = golden_faults(document, self._known, path_of(name))
        if faults:
            return gone(name, faults)
        golden = read_golden(document)
        try:
            return list(broken_golden(golden, self.came(golden), self._rules))
        except NotKept as reason:
            fault = RuleFault(f"{path_of(name)}/world/rate_cards", str(reason), "state the prices in `rates`")
            return gone(name, [fault])

    def came(self, golden: Golden) -> Came:
        """What the rules make of it; raises `NotKept` where prices are not there any more."""
        cards, rates = golden.world.rate_cards, None
        if cards:
            rates = self._history.rates(cards, {place.code: _sender(place) for place in golden.world.locations or ()})
        return decide_golden(
            golden, self._rules, Asked(rates, self._filters, self._ranks, self._strategies), now=self._at
        )


def run_golden_orders(session: Session, *, rules: CompiledRuleSet, adapters: Adapters, at: datetime) -> Ran:
    """Run all of them; nothing is written."""
    rows = repository_golden.golden_orders(session)
    if not rows:
        return Ran(None, 0, ())
    runner = GoldenRunner(session, rules=rules, adapters=adapters, at=at)
    broken = tuple(fault for row in rows for fault in runner.broken(row.name, row.body))
    return Ran(repository_golden.stamp(session), len(rows), broken)


def broken_now(session: Session, *, row: GoldenOrderRow, adapters: Adapters, at: datetime) -> list[Broken]:
    """What the rules that decide now do otherwise than one golden order wants."""
    active = repository.active_rule_set(session)
    rules = compile_rule_set(RuleSet() if active is None else read_rule_set(active.body))
    return GoldenRunner(session, rules=rules, adapters=adapters, at=at).broken(row.name, row.body)


def keep_run(session: Session, row: RuleSetRow, ran: Ran, *, actor: str, at: datetime) -> GoldenRunRow:
    """Keep what a version made of them, for the gate."""
    run = GoldenRunRow(
        run_id=new_id(), rule_set_id=row.rule_set_id, stamp=ran.stamp or "", orders=ran.orders,
        broken=[fault.to_dict() for fault in ran.broken], actor=actor, ran_at=at,
    )  # fmt: skip
    session.add(run)
    session.flush()
    return run


def broken_by(session: Session, rule_set_id: str) -> list[dict[str, Any]]:
    """What the last run against a version found (`Broken.to_dict`); none where there was no golden order to run."""
    run = repository_golden.latest_run(session, rule_set_id)
    return [] if run is None else list(run.broken)


def refuse_broken_golden(ran: Ran) -> None:
    """422 with everything that is not as the golden orders want it."""
    if not ran.broken:
        return
    raise InvalidInput(
        "golden_orders_broken",
        f"{len(ran.names)} of {ran.orders} golden orders are broken by these rules ({', '.join(ran.names[:5])}): "
        "correct the rules, or the golden orders where they are wrong; or keep it as a draft that says so "
        '(`--golden report`, `"golden": "report"`), which a second person must let pass.',
        extra={"errors": [fault.to_dict() for fault in ran.broken]},
    )


def _sender(place: GoldenLocation) -> Location:
    address = {
        "country": place.country or None, "region_code": place.region or None, "city": place.city or None,
        "postal_code": place.postal_code or None,
    }  # fmt: skip
    return Location(code=place.code, name=place.code, kind=place.kind, address=address)
