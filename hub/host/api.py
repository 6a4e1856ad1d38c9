"""`/v1/plugins`: what is installed, what it can do, and why something is not loaded."""

from typing import Any

from fastapi import APIRouter, Depends, Request

from hub.auth.api import require
from hub.host.plugins import PluginHost
from hub.host.schemas import PluginOut
from hub.kit.errors import NotFound
from hub.kit.web import Page, problem_responses

router = APIRouter(prefix="/v1/plugins", tags=["plugins"], dependencies=[Depends(require("plugins:read"))])


@router.get("", responses=problem_responses(401, 403))
def list_all(request: Request) -> Page[PluginOut]:
    """Every plugin, the quarantined ones with their reason."""
    host: PluginHost = request.app.state.host
    return Page(items=[PluginOut.model_validate(info) for info in host.plugins()], next_cursor=None)


@router.get("/{plugin}", responses=problem_responses(401, 403, 404))
def get_one(plugin: str, request: Request) -> PluginOut:
    """One plugin."""
    host: PluginHost = request.app.state.host
    for info in host.plugins():
        if info.id == plugin:
            return PluginOut.model_validate(info)
    raise NotFound("plugin", plugin)


@router.get("/{plugin}/settings-schema", responses=problem_responses(401, 403, 404))
def settings_schema(plugin: str, request: Request) -> dict[str, Any]:
    """JSON Schema of the settings of a connection of this plugin: forms are made from it."""
    host: PluginHost = request.app.state.host
    return host.adapter(plugin).settings_model.model_json_schema()
