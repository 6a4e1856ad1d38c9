"""Rules that decide in a `World`, by the way that everybody goes: drafted, rehearsed, activated."""

from typing import Any

from hub.kit.rules.rule_set import RuleSet
from hub.routing.rules.gate import Gate
from hub.routing.service.gate import save_gate
from hub.routing.service.rehearsals import rehearse
from hub.routing.service.rule_sets import activate_rule_set, create_rule_set
from hub.routing.tables import BacktestRow, RuleSetRow
from tests.builders import World

AUTHOR = "key:author"
LENIENT = Gate(
    minimum_orders=0, maximum_age_days=None, reproduced_at_least_permille=None, fill_rate_may_fall_permille=None,
    promise_kept_may_fall_permille=None, auto_approval_may_fall_permille=None, freight_may_grow_permille=None, split_orders_may_grow_permille=None,
    unfillable_may_grow_permille=None, needs_person_may_grow_permille=None,
)  # fmt: skip


def draft(world: World, *, author: str = AUTHOR, **sections: Any) -> RuleSetRow:
    """A version that decides nothing yet."""
    with world.write() as session:
        return create_rule_set(
            session, document={**RuleSet().document(), **sections}, adapters=world.runtime.adapters, author=author,
            comment="", at=world.clock.now(),
        )  # fmt: skip


def backtested(world: World, row: RuleSetRow, last: int = 500) -> BacktestRow:
    """A version after a backtest over the last orders."""
    return rehearse(
        world.database, reference=row.rule_set_id, adapters=world.runtime.adapters, last=last, actor=AUTHOR,
        at=world.clock.now(), tell=lambda _: None,
    )[0]  # fmt: skip


def decide_by(world: World, **sections: Any) -> RuleSetRow:
    """Let these rules decide, whatever they cost, and what follows from it."""
    row = draft(world, **sections)
    backtested(world, row)
    with world.write() as session:
        save_gate(session, gate=LENIENT, author=AUTHOR, comment="", at=world.clock.now())
    with world.write() as session:
        activate_rule_set(session, reference=row.rule_set_id, actor=AUTHOR, at=world.clock.now())
    world.drain()
    return row
