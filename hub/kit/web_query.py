"""Query parameters that a route does not know are refused: a misspelt filter must not return everything."""

from difflib import get_close_matches
from typing import Any

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel

from hub.kit.errors import HubError

_known: dict[int, tuple[APIRoute, frozenset[str]]] = {}
"""By the identity of the route (routes have no hash), which is kept alive beside its names."""


async def strict_query(request: Request) -> None:
    """400 `unknown_parameter` for a query parameter that the route does not declare; a dependency of the app."""
    sent = request.query_params.keys()
    route = request.scope.get("route")
    if not sent or not isinstance(route, APIRoute):
        return
    known = _declared(route)
    for name in sent:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            listed = ", ".join(sorted(known)) or "none"
            hint = f"Did you mean {near[0]!r}?" if near else f"There are: {listed}."
            raise HubError(
                400,
                "unknown_parameter",
                f"There is no query parameter {name!r} here. {hint}",
                extra={"errors": [{"detail": "unknown", "code": "unknown_parameter", "parameter": name}]},
            )


def _declared(route: APIRoute) -> frozenset[str]:
    found = _known.get(id(route))
    if found is None or found[0] is not route:
        found = _known[id(route)] = (route, frozenset(_names(route.dependant)))
    return found[1]


def _names(dependant: Dependant) -> set[str]:
    names: set[str] = set()
    for field in dependant.query_params:
        model: Any = field.field_info.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            names.update(inner.alias or name for name, inner in model.model_fields.items())
        else:
            names.add(field.alias)
    for inner in dependant.dependencies:
        names |= _names(inner)
    return names
