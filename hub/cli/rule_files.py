"""Rule sets in files, YAML or JSON."""

from pathlib import Path
from typing import Any

import yaml

from hub.cli.options import TABLE_FILE
from hub.kit.errors import InvalidInput


def read_rules(name: str) -> dict[str, Any]:
    """The document of a file; a fault names its line and column."""
    path: Path = TABLE_FILE.convert(name, None, None)
    try:
        found = yaml.safe_load(path.read_text("utf-8"))
    except UnicodeDecodeError as error:
        raise InvalidInput("not_utf8", f"{path} is not UTF-8 text.") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise InvalidInput("not_yaml", f"{path}{place}: {getattr(error, 'problem', None) or 'is not YAML'}.") from error
    if not isinstance(found, dict):
        raise InvalidInput(
            "not_a_rule_set", f"{path} must hold an object: the sections review, sourcing, courier, or golden_orders."
        )
    return found
