"""A process with nothing to do costs the database next to nothing."""

from sqlalchemy import event

from hub.flows.runtime import TICKS_BETWEEN_CHECKS
from tests.builders import World

SECONDS_BETWEEN_TICKS = 5


def test_a_minute_of_nothing_is_less_than_a_query_a_second(world: World) -> None:
    asked: list[str] = []
    world.drain()
    rung: list[str] = []

    def note(_: object, __: object, statement: str, *___: object) -> None:
        asked.append(statement)

    def minute() -> list[str]:
        """A minute of the beat, and the work that its schedules bring."""
        asked.clear()
        for _ in range(TICKS_BETWEEN_CHECKS):
            world.clock.advance(SECONDS_BETWEEN_TICKS)
            rung.clear()
            world.runtime.tick(rung.append)
            for queue in dict.fromkeys(rung):
                while world.runtime.runner.run_once(queue):
                    pass
        return asked

    world.runtime.ring = rung.append
    minute()
    event.listen(world.database.engine, "before_cursor_execute", note)
    assert 0 < len(minute()) < TICKS_BETWEEN_CHECKS * SECONDS_BETWEEN_TICKS
    asked.clear()
    world.runtime.tick(rung.append)  # the first of a minute looks for new connections too
    asked.clear()
    rung.clear()
    world.runtime.tick(rung.append)
    event.remove(world.database.engine, "before_cursor_execute", note)
    assert ([text for text in asked if not text.startswith("BEGIN")], rung) == ([asked[-1]], [])
