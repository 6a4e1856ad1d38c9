"""Rule sets as people write them: YAML in and out."""

from collections.abc import Mapping
from typing import Any

import orjson
import yaml

from hub.kit.errors import InvalidInput
from hub.kit.rules.rule_set import SECTIONS

MEDIA_TYPE = "application/yaml"


def read_yaml(text: bytes) -> dict[str, Any]:
    """The document of a YAML text; 422 with line and column where it is none.

    Anchors are refused: a few lines of them unfold to gigabytes.
    """
    try:
        for token in yaml.scan(text, Loader=yaml.SafeLoader):
            if isinstance(token, yaml.tokens.AnchorToken | yaml.tokens.AliasToken):
                raise _refused(f"line {token.start_mark.line + 1}: anchors and aliases are not allowed, write it out")
        document = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark is not None else ""
        raise _refused(f"{place}{error.problem or 'not YAML'}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _refused("it holds characters, dates or a nesting that YAML cannot have") from error
    if not isinstance(document, dict):
        raise _refused(f"it must be a mapping with the sections {', '.join(SECTIONS)}")
    return _as_json(document)


def write_yaml(document: Mapping[str, Any]) -> bytes:
    """A rule set as YAML that `read_yaml` reads to the same document."""
    text: str = yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True, width=120)
    return text.encode()


def _as_json(document: dict[Any, Any]) -> dict[str, Any]:
    """YAML knows dates and sets; rules are JSON."""
    try:
        found: dict[str, Any] = orjson.loads(orjson.dumps(document, option=orjson.OPT_NON_STR_KEYS))
    except TypeError as error:
        raise _refused("it holds values that JSON does not have") from error
    return found


def _refused(why: str) -> InvalidInput:
    fault = {"detail": why, "code": "invalid_yaml", "pointer": "#"}
    return InvalidInput("invalid_yaml", f"The YAML cannot be read: {why}.", extra={"errors": [fault]})
