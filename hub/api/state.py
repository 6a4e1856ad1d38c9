"""What the routers above the domains take from their app."""

from typing import Annotated

from fastapi import Depends, Request

from hub.flows.runtime import Runtime
from hub.flows.services import Services


async def _services(request: Request) -> Services:
    runtime: Runtime = request.app.state.runtime
    return runtime.services


async def _runtime(request: Request) -> Runtime:
    runtime: Runtime = request.app.state.runtime
    return runtime


HubServices = Annotated[Services, Depends(_services)]
HubRuntime = Annotated[Runtime, Depends(_runtime)]
