"""The servers that tests use are private, durable and gone afterwards; a missing peer is never silent."""

from pathlib import Path

import psycopg
import pytest

from tests.peers import fixtures_folder, require_peer
from tests.servers import PostgresServer, RabbitServer, RedisServer, Server, ServerError, talks

DEFAULT_PORTS = {4369, 5432, 5672, 6379, 25672}


def started(kind: type[Server]) -> Server:
    reason = kind.missing()
    require_peer(kind.name, reason is None, reason or "")
    return kind()


@pytest.mark.postgres
def test_postgresql_is_private_and_keeps_what_was_committed() -> None:
    with started(PostgresServer) as server:
        assert isinstance(server, PostgresServer)
        assert server.port not in DEFAULT_PORTS
        url = server.create_database("kept")
        with psycopg.connect(url) as connection:
            assert connection.execute("SHOW fsync").fetchone() == ("on",)
            connection.execute("CREATE TABLE things AS SELECT 7 AS thing")
        folder, pid = server.folder, server.pid
        server.crash()
        server.restart()
        assert server.pid != pid
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT thing FROM things").fetchone() == (7,)
        copy = server.create_database("copied", template="kept")
        with psycopg.connect(copy) as connection:
            assert connection.execute("SELECT thing FROM things").fetchone() == (7,)
        server.drop_database("copied")
    assert not folder.exists()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)


@pytest.mark.broker
def test_redis_is_private_and_keeps_what_it_acknowledged() -> None:
    with started(RedisServer) as server:
        assert server.port not in DEFAULT_PORTS
        assert talks(server.port, b"SET a 1\r\n", b"+OK")
        assert talks(server.port, b"CONFIG GET appendonly\r\n", b"*2\r\n$10\r\nappendonly\r\n$3\r\nyes")
        folder = server.folder
        server.crash()
        server.restart()
        assert talks(server.port, b"GET a\r\n", b"$1\r\n1")
    assert not folder.exists()
    assert not talks(server.port, b"PING\r\n", b"+PONG")


@pytest.mark.broker
def test_rabbitmq_has_its_own_node_ports_and_folders() -> None:
    with started(RabbitServer) as server:
        assert isinstance(server, RabbitServer)
        environment = server.management_environment
        ports = {server.port, int(environment["RABBITMQ_DIST_PORT"]), int(environment["ERL_EPMD_PORT"])}
        assert len(ports) == 3
        assert not ports & DEFAULT_PORTS
        folder = server.folder
        assert (folder / "mnesia").is_dir()
        assert talks(server.port, b"AMQP\x00\x00\x09\x01", b"\x01")
    assert not folder.exists()
    assert not talks(server.port, b"AMQP\x00\x00\x09\x01", b"\x01")


class Broken(RedisServer):
    """A server whose program ends at once."""

    def _launch(self) -> None:
        self._spawn(["sh", "-c", "echo the disk is full; exit 3"]).wait_until(lambda: False, "sh")


def test_a_server_that_does_not_start_says_why() -> None:
    server = Broken()
    if server.missing() is None:
        with pytest.raises(ServerError, match="ended with status 3:\nthe disk is full"):
            server.start()
        assert not server.folder.exists()


def test_a_missing_peer_skips_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ORDERHUB_REQUIRE_PEERS", raising=False)
    require_peer("tea", True, "no kettle")
    with pytest.raises(pytest.skip.Exception, match="tea is not available: no kettle"):
        require_peer("tea", False, "no kettle")


def test_a_missing_peer_fails_where_peers_are_required(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ORDERHUB_REQUIRE_PEERS", "1")
    require_peer("tea", True, "no kettle")
    with pytest.raises(pytest.fail.Exception, match="tea is not available: no kettle"):
        require_peer("tea", False, "no kettle")
    monkeypatch.setenv("ORDERHUB_FIXTURES", str(tmp_path / "nowhere"))
    with pytest.raises(pytest.fail.Exception, match="ORDERHUB_FIXTURES"):
        fixtures_folder()


def test_the_fixtures_folder_is_the_one_that_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ORDERHUB_FIXTURES", str(tmp_path))
    assert fixtures_folder() == tmp_path
