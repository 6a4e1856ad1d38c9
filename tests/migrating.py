"""Run a migration that is not of the hub: its scripts and one more, in a folder of their own."""

import shutil
from pathlib import Path
from typing import Literal

from alembic import command
from alembic.config import Config

from hub.kit.schema import script_location

SAMPLE = Path(__file__).parent / "samples" / "online_migration.py"


def migrate(url: str, folder: Path, verb: Literal["upgrade", "downgrade"], revision: str) -> None:
    """Go to a revision of the hub's, or to `sample_online` after them, with Alembic's own command and our `env.py`."""
    if not folder.exists():
        shutil.copytree(script_location(), folder, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copyfile(SAMPLE, folder / "versions" / SAMPLE.name)
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.attributes["sqlalchemy.url"] = url
    {"upgrade": command.upgrade, "downgrade": command.downgrade}[verb](config, revision)
