"""Shopify's own schema, from the npm package that ships it: validation of requests, and what they cost."""

import gzip
import json
import os
from functools import cache
from pathlib import Path
from typing import Any

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    build_client_schema,
    get_named_type,
    value_from_ast_untyped,
)
from graphql.execution.values import get_variable_values

from tests.peers import PEERS, require_peer

VERSION = "2026-10"
PACKAGED = PEERS / "shopify" / "package" / "dist" / "data" / f"admin_{VERSION}.json.gz"
MAX_COST = 1000


def schema_file() -> Path:
    stated = os.environ.get("ORDERHUB_SHOPIFY_SCHEMA")
    path = Path(stated) if stated else PACKAGED
    reason = "set ORDERHUB_SHOPIFY_SCHEMA to admin_2026-10.json.gz of the npm package @shopify/dev-mcp 1.16.0"
    require_peer("Shopify's Admin API schema", path.is_file(), reason)
    return path


@cache
def load(path: Path) -> GraphQLSchema:
    with gzip.open(path) as file:
        return build_client_schema(json.load(file)["data"], assume_valid=True)


def schema() -> GraphQLSchema:
    return load(schema_file())


def operation_of(document: DocumentNode) -> OperationDefinitionNode:
    return next(node for node in document.definitions if isinstance(node, OperationDefinitionNode))


def wrong_variables(document: DocumentNode, variables: dict[str, Any]) -> list[str]:
    definitions = operation_of(document).variable_definitions or ()
    known = {definition.variable.name.value for definition in definitions}
    checked = get_variable_values(schema(), list(definitions), variables)
    errors = [error.message for error in checked] if isinstance(checked, list) else []
    return errors + [f"variable ${name} is not declared" for name in variables if name not in known]


def idempotency_keys(document: DocumentNode, variables: dict[str, Any]) -> dict[str, str]:
    """Keys of `@idempotent` by mutation; blank ones do not count."""
    keys: dict[str, str] = {}
    for node in operation_of(document).selection_set.selections:
        for directive in node.directives or ():
            if isinstance(node, FieldNode) and directive.name.value == "idempotent":
                keys[node.name.value] = str(arguments_of(directive, variables)["key"])
    return {name: key for name, key in keys.items() if key.strip()}


def arguments_of(node: FieldNode | DirectiveNode, variables: dict[str, Any]) -> dict[str, Any]:
    return {argument.name.value: value_from_ast_untyped(argument.value, variables) for argument in node.arguments or ()}


def cost_of(document: DocumentNode, variables: dict[str, Any]) -> int:
    """The requested cost by Shopify's published rules, multiplied out: an upper bound of what Shopify charges."""
    operation = operation_of(document)
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    mutation = operation.operation.value == "mutation"
    root = schema().mutation_type if mutation else schema().query_type
    return (10 if mutation else 0) + _cost(operation.selection_set, root, fragments, variables)


def _cost(selections: SelectionSetNode, parent: Any, fragments: dict[str, Any], variables: dict[str, Any]) -> int:
    total = 0
    for node in selections.selections:
        if isinstance(node, FragmentSpreadNode):
            fragment = fragments[node.name.value]
            kind = schema().type_map[fragment.type_condition.name.value]
            total += _cost(fragment.selection_set, kind, fragments, variables)
        elif isinstance(node, InlineFragmentNode):
            kind = schema().type_map[node.type_condition.name.value] if node.type_condition else parent
            total += _cost(node.selection_set, kind, fragments, variables)
        elif isinstance(node, FieldNode) and node.selection_set is not None:
            total += _field_cost(node, parent, fragments, variables)
    return total


def _field_cost(node: FieldNode, parent: Any, fragments: dict[str, Any], variables: dict[str, Any]) -> int:
    field = parent.fields[node.name.value]
    kind = get_named_type(field.type)
    arguments = arguments_of(node, variables)
    assert node.selection_set is not None
    inner = _cost(node.selection_set, kind, fragments, variables)
    if node.name.value in ("pageInfo", "nodes") and parent.name.endswith("Connection"):
        return 0 if node.name.value == "pageInfo" else 1 + inner
    if kind.name.endswith("Connection"):
        return 2 + int(arguments["first"]) * inner
    times = len(arguments["ids"]) if "ids" in arguments else int(arguments.get("first") or 1)
    return times * (1 + inner)
