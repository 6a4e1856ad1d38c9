"""Where the benchmarks run: a folder, private servers, the peer; made once for a run and taken away after it."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.end_to_end import Tell
from bench.processes import peer
from bench.world import World, make_world
from tests.servers import PostgresServer, RabbitServer, RedisServer, Server

JOBS = 100_000


class Missing(Exception):
    """A server that a figure needs is not on the machine."""


@dataclass(slots=True)
class Place:
    """What a figure may use. Servers start at their first use; `quick` is a tenth of the work or less."""

    stack: ExitStack
    folder: Path
    quick: bool
    tell: Tell
    jobs: int = JOBS
    """How many wait after an outage."""
    postgres: PostgresServer | None = None
    broker: Server | None = None
    peer_url: str = ""
    made: int = 0

    def size(self, full: int, quick: int) -> int:
        """How much to do."""
        return quick if self.quick else full

    def server(self) -> PostgresServer:
        """PostgreSQL of our own, durable."""
        if self.postgres is None:
            reason = PostgresServer.missing()
            if reason:
                raise Missing(reason)
            self.postgres = self.stack.enter_context(PostgresServer(durable=True))
        return self.postgres

    def broker_url(self) -> str:
        """Redis of our own, or RabbitMQ where there is no Redis."""
        if self.broker is None:
            kind = next((kind for kind in (RedisServer, RabbitServer) if kind.missing() is None), None)
            if kind is None:
                raise Missing(f"{RedisServer.missing()}; {RabbitServer.missing()}")
            self.broker = self.stack.enter_context(kind())
        return self.broker.url

    def peer(self) -> str:
        """The address of the peer."""
        if not self.peer_url:
            child, self.peer_url = peer(self.folder / "peer")
            self.stack.enter_context(child)
        return self.peer_url

    def database(self) -> str:
        """A fresh, empty database on PostgreSQL."""
        self.made += 1
        return self.server().create_database(f"bench{self.made}")

    def sqlite_file(self) -> Path:
        """A path for a fresh SQLite file."""
        self.made += 1
        return self.folder / f"bench{self.made}.sqlite3"

    def world(self, *, database_url: str | None, broker: bool) -> World:
        """A furnished hub in a folder of its own; without a broker its doorbell stays inside the process."""
        self.made += 1
        return make_world(
            self.folder / f"hub{self.made}", database_url=database_url,
            broker_url=self.broker_url() if broker else "memory://", peer_url=self.peer(),
        )  # fmt: skip


@contextmanager
def place(*, quick: bool, tell: Tell, jobs: int = JOBS) -> Iterator[Place]:
    """Somewhere to run; nothing is left behind."""
    folder = Path(tempfile.mkdtemp(prefix="orderhub-bench-"))
    try:
        with ExitStack() as stack:
            yield Place(stack, folder, quick, tell, jobs)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
