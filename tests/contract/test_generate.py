"""The generator of the reference pages says what the code says."""

import ast
from typing import Annotated, Literal

import click
import pytest
from fastapi import FastAPI
from pydantic import BaseModel, Field, SecretStr

from docs import generate
from docs.model_text import model_rows
from hub.kit.errors import HubError, InvalidInput, NotFound, StateConflict
from hub.kit.schema import SchemaMismatch


class Zone(BaseModel):
    """A zone."""

    countries: tuple[str, ...] = Field((), description="Where it is")


class Card(BaseModel):
    """A card."""

    token: SecretStr | None = Field(None, description="A | secret")
    zones: list[Zone] = Field(description="All of them")
    by_name: dict[str, Zone] = Field(default_factory=dict, description="Again")
    grams: Annotated[int, Field(gt=0)] | None = Field(None, description="Weight")
    unit: Literal["kg", "lb"] = Field("kg", description="Unit")
    home: Zone = Field(Zone(), description="Own")
    kinds: frozenset[str] = Field(frozenset({"tea", "mug", "pot"}), description="Sorted")


def test_settings_are_listed_with_their_nested_fields() -> None:
    assert list(model_rows(Card)) == [
        "| `token` | `SecretStr \\| None` (secret) | none | A \\| secret |",
        "| `zones` | `list[Zone]` | required | All of them |",
        "| `zones[].countries` | `tuple[str, ...]` | `()` | Where it is |",
        "| `by_name` | `dict[str, Zone]` | `{}` | Again |",
        "| `by_name{}.countries` | `tuple[str, ...]` | `()` | Where it is |",
        "| `grams` | `int \\| None` | none | Weight |",
        "| `unit` | `'kg' \\| 'lb'` | `'kg'` | Unit |",
        "| `home` | `Zone` | see below | Own |",
        "| `home.countries` | `tuple[str, ...]` | `()` | Where it is |",
        "| `kinds` | `frozenset[str]` | `['mug', 'pot', 'tea']` | Sorted |",
    ]


def test_commands_are_listed_below_their_group() -> None:
    @click.group(help="Do things.")
    def top() -> None: ...

    @top.command(help="Show\none thing.")
    @click.argument("name")
    @click.option("--json", "as_json", is_flag=True, help="Print JSON.")
    def show(name: str, as_json: bool) -> None: ...

    @top.command(hidden=True)
    def secret() -> None: ...

    text = "\n".join(generate.commands(top, click.Context(top, info_name="hub")))
    assert "## `hub show`\n\nShow one thing.\n\n    hub show [OPTIONS] NAME\n" in text
    assert "| `--json` | Print JSON. |" in text
    assert "secret" not in text


def test_routes_are_listed_with_parameters_body_and_answers() -> None:
    app = FastAPI()

    class Body(BaseModel):
        sku: str

    @app.post("/v1/things/{thing_id}", status_code=201)
    def make(thing_id: str, body: Body, dry_run: bool = False) -> list[str]:
        """Make a thing."""
        return [thing_id, body.sku, str(dry_run)]

    document = app.openapi()
    (path,) = document["paths"]
    text = "\n".join(generate.route("post", path, document["paths"][path]["post"]))
    assert text.startswith("\n## `POST /v1/things/{thing_id}`\n\nMake a thing.\n")
    assert "| `thing_id` | path | `string` | yes |" in text
    assert "| `dry_run` | query | `boolean` | no |" in text
    assert "Body: `application/json` `Body`." in text
    assert "Answers: 201 Successful Response, 422 Validation Error." in text


def test_events_are_found_by_literals_constants_and_helpers() -> None:
    found = generate.published()
    assert "hub.fulfilment.service.ship" in found["fulfilment.shipped"]
    assert {"hub.flows.cancel", "hub.flows.stop_shipments"} <= found["order.cancelled"]
    assert all("." in kind for kind in found)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("HubError(413, 'too_large', detail)", ("too_large", "413")),
        ("NotFound('order', number)", ("order_not_found", "404")),
        ("InvalidInput('bad_cursor', 'x')", ("bad_cursor", "422")),
        ("errors.StateConflict('closed', 'x')", ("closed", "409")),
        ("SchemaMismatch('schema_too_old', 'x')", ("schema_too_old", "503")),
        ("InvalidInput(code, 'x')", None),
        ("ValueError('closed', 'x')", None),
    ],
)
def test_problem_codes_are_read_from_the_code(call: str, expected: tuple[str, str] | None) -> None:
    known = {kind.__name__: kind for kind in (HubError, NotFound, InvalidInput, StateConflict, SchemaMismatch)}
    node = ast.parse(call, mode="eval").body
    assert isinstance(node, ast.Call)
    assert generate.problem(node, known) == expected
