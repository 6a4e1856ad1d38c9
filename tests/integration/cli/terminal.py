"""A person at the terminal of the machine that a small hub runs on."""

from tests.builders import World
from tests.e2e.command_line import Hub


def at_terminal(world: World, person: str) -> Hub:
    """The command line of a person on the hub's machine."""
    place = world.runtime.settings
    return Hub(
        world.folder,
        {"ORDERHUB_DATABASE_URL": str(place.database_url), "ORDERHUB_DATA_DIR": str(place.data_dir), "LOGNAME": person},
    )  # fmt: skip
