"""The examples of actions are what they say they are, and no action is without one."""

import json

import pytest

from hub.kit.rules.actions import ACTIONS
from hub.kit.rules.examples import EXAMPLES, examples_of
from hub.routing.service.types import definitions_of

NAMES = {
    section: [
        one["properties"]["action"]["const"]
        for one in definitions_of(adapter.json_schema())
        if "action" in one.get("properties", {})
    ]
    for section, adapter in ACTIONS.items()
}


def test_every_action_has_one() -> None:
    assert sorted(EXAMPLES) == sorted(name for names in NAMES.values() for name in names)


@pytest.mark.parametrize(("section", "name"), [(section, name) for section in NAMES for name in NAMES[section]])
def test_it_is_an_action(section: str, name: str) -> None:
    for example in examples_of(name):
        assert ACTIONS[section].validate_json(json.dumps(example)).model_dump()["action"] == name
