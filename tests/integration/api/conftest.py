"""A hub of its own for each test: a real uvicorn on a free port over an empty, migrated database."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uvicorn
from pydantic import SecretStr
from sqlalchemy.event import listen

from hub.api.app import create_app
from hub.auth.service.keys import create_key
from hub.flows.runtime import Runtime, build_runtime, load_plugins
from hub.host.plugins import PluginHost
from hub.kit.crypto import generate_key
from hub.kit.settings import Settings
from tests.builders import forget_the_disk
from tests.integration.api.calling import Hub, set_up


class _Server(uvicorn.Server):
    """Ends when it is told to, instead of looking ten times a second whether it is."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._loop, self._told = asyncio.get_running_loop(), asyncio.Event()
        self.listening.set()

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self._told.wait()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._told.set)


def serve(runtime: Runtime, *, beat_alive: Callable[[], bool] | None = None) -> Iterator[str]:
    """The address of the runtime's API while it is served."""
    app = create_app(runtime, beat_alive=beat_alive)
    server = _Server(uvicorn.Config(app, log_config=None, ws="none", timeout_graceful_shutdown=5))
    with socket.create_server(("127.0.0.1", 0), backlog=256) as door:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [door]})
        thread.start()
        try:
            assert server.listening.wait(20)
            yield f"http://127.0.0.1:{door.getsockname()[1]}"
        finally:
            server.stop()
            thread.join(20)


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings(
        data_dir=tmp_path, database_url=database_url, secret_keys=SecretStr(generate_key()), max_body_bytes=200_000
    )


@pytest.fixture(scope="session")
def plugins() -> PluginHost:
    """All plugins, loaded once: they are only read."""
    return load_plugins(Settings())


@pytest.fixture
def runtime(settings: Settings, plugins: PluginHost) -> Iterator[Runtime]:
    runtime = build_runtime(settings, host=plugins)
    if runtime.database.is_sqlite:
        listen(runtime.database.engine, "connect", forget_the_disk)
    yield runtime
    runtime.close()


@pytest.fixture
def hub(runtime: Runtime) -> Iterator[Hub]:
    """The hub with a channel, a carrier, two locations, stock, products and a key that may do everything."""
    set_up(runtime)
    with runtime.database.write() as session:
        _, token = create_key(session, name="tester", scopes=["admin"], clock=runtime.clock)
    for url in serve(runtime):
        with Hub(runtime, url, token) as hub:
            yield hub
