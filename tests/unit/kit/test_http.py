"""The guarded client against a real server on this machine."""

import gzip
import io
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from hub.kit.http import GuardedHttpClient, HttpPool, _pause
from hub.kit.log import configure_logging, correlated
from hub.sdk.errors import AuthFailed, Conflict, PluginError, RateLimited, Rejected, Transient, Uncertain
from tests.unit.kit.peer import Peer, answer, hang_up


@pytest.fixture
def pool(pauses: list[float]) -> Iterator[HttpPool]:
    made = HttpPool(pause=pauses.append)
    yield made
    made.close()


@pytest.fixture
def client(pool: HttpPool) -> GuardedHttpClient:
    return pool.client(connection="shop", allow_private=True, headers={"X-Shop": "1"})


def test_a_call_carries_headers_params_json_and_the_correlation_id(peer: Peer, client: GuardedHttpClient) -> None:
    with correlated("order-7"):
        response = client.request(
            "POST", f"{peer.url}/orders?a=1", headers={"Authorization": "k"}, params={"b": "ä"}, json={"name": "Zoë"}
        )
    assert response.json() == {"ok": True}
    assert response.status == 200
    [asked] = peer.requests
    assert asked["path"] == "/orders?a=1&b=%C3%A4"
    assert asked["body"].decode() == '{"name":"Zoë"}'
    assert asked["headers"]["x-correlation-id"] == "order-7"
    assert asked["headers"]["authorization"] == "k"
    assert asked["headers"]["x-shop"] == "1"
    assert asked["headers"]["host"] == f"127.0.0.1:{peer.port}"


def test_one_socket_serves_many_calls_but_no_cookie_is_kept(peer: Peer, client: GuardedHttpClient) -> None:
    ports = []

    def note(handler: BaseHTTPRequestHandler) -> None:
        ports.append(handler.client_address[1])
        answer(200, b"{}", set_cookie="session=1")(handler)

    peer.script = [note]
    for _ in range(3):
        client.request("GET", peer.url)
    assert len(set(ports)) == 1
    assert all("cookie" not in asked["headers"] for asked in peer.requests)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Rejected), (401, AuthFailed), (403, AuthFailed), (404, Rejected), (408, Transient), (409, Conflict),
        (410, Rejected), (422, Rejected), (425, Transient), (429, RateLimited), (500, Transient), (501, Transient),
        (503, Transient), (502, Uncertain), (504, Uncertain), (301, Rejected), (302, Rejected), (307, Rejected),
    ],
)  # fmt: skip
def test_statuses_are_named_by_what_the_hub_must_do(
    peer: Peer, client: GuardedHttpClient, status: int, kind: type[PluginError]
) -> None:
    peer.script = [answer(status, b'{"reason": "no"}', location="/elsewhere")]
    with pytest.raises(PluginError) as raised:
        client.request("POST", peer.url, json={}, operation="create")
    assert type(raised.value) is kind
    assert raised.value.code == f"http_{status}"
    assert raised.value.answer == b'{"reason": "no"}'
    assert "no" not in raised.value.message.replace("not", "")
    assert len(peer.requests) == 1


def test_redirects_are_not_followed_and_the_message_says_what_to_do(peer: Peer, client: GuardedHttpClient) -> None:
    peer.script = [answer(302, location=f"{peer.url}/elsewhere")]
    with pytest.raises(Rejected, match="put the final address"):
        client.request("GET", f"{peer.url}/here")
    assert [asked["path"] for asked in peer.requests] == ["/here"]


def test_an_idempotent_call_is_tried_three_times(peer: Peer, client: GuardedHttpClient, pauses: list[float]) -> None:
    peer.script = [answer(500), answer(504), answer(200, b"{}")]
    assert client.request("GET", peer.url).status == 200
    assert len(peer.requests) == 3
    assert len(pauses) == 2
    peer.script = [answer(500)]
    with pytest.raises(Transient):
        client.request("GET", peer.url)
    assert len(peer.requests) == 6


def test_a_post_that_is_declared_idempotent_is_repeated(peer: Peer, client: GuardedHttpClient) -> None:
    peer.script = [hang_up, answer(200, b"{}")]
    assert client.request("POST", peer.url, json={}, idempotent=True).status == 200
    assert len(peer.requests) == 2


def test_a_short_retry_after_is_sat_out(peer: Peer, client: GuardedHttpClient, pauses: list[float]) -> None:
    peer.script = [answer(429, retry_after="3"), answer(200, b"{}")]
    assert client.request("GET", peer.url).status == 200
    assert pauses == [3.0]


@pytest.mark.parametrize("status", [429, 503])
def test_a_long_retry_after_is_the_engines(
    peer: Peer, client: GuardedHttpClient, pauses: list[float], status: int
) -> None:
    peer.script = [answer(status, retry_after="60")]
    with pytest.raises(RateLimited) as raised:
        client.request("GET", peer.url)
    assert raised.value.after == 60.0
    assert pauses == []


def test_retry_after_may_be_a_date_and_nonsense_is_survived() -> None:
    class Noon:
        def now(self) -> datetime:
            return datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

    assert _pause("Mon, 02 Mar 2026 12:01:30 GMT", Noon()) == 90.0
    assert _pause("Mon, 02 Mar 2026 11:00:00 GMT", Noon()) == 0.0
    assert _pause("soon", Noon()) == _pause(None, Noon()) == 2.0
    assert _pause("9" * 30, Noon()) == 86_400.0


def test_a_lost_answer_is_uncertain_for_a_post_and_transient_for_a_get(peer: Peer, client: GuardedHttpClient) -> None:
    peer.script = [hang_up]
    with pytest.raises(Uncertain) as raised:
        client.request("POST", peer.url, json={"pay": 1})
    assert raised.value.code == "answer_lost"
    assert len(peer.requests) == 1
    with pytest.raises(Transient):
        client.request("GET", peer.url)
    assert len(peer.requests) == 4


def test_a_refused_connection_is_transient_even_for_a_post(client: GuardedHttpClient, pauses: list[float]) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        with pytest.raises(Transient) as raised:
            client.request("POST", f"http://127.0.0.1:{port}/", json={})
    assert raised.value.code == "connection_refused"
    assert len(pauses) == 2


@pytest.mark.parametrize(("method", "kind"), [("POST", Uncertain), ("GET", Transient)])
def test_a_truncated_answer_is_not_taken_for_a_whole_one(
    peer: Peer, client: GuardedHttpClient, method: str, kind: type[PluginError]
) -> None:
    peer.script = [answer(200, b'{"half":', length=100)]
    with pytest.raises(kind):
        client.request(method, peer.url)


def test_a_truncated_refusal_is_still_a_refusal(peer: Peer, client: GuardedHttpClient) -> None:
    peer.script = [answer(422, b"half", length=100)]
    with pytest.raises(Rejected):
        client.request("POST", peer.url)


def test_an_answer_that_does_not_come_ends_in_time(peer: Peer, client: GuardedHttpClient) -> None:
    peer.script = [lambda handler: void(peer.release.wait(10))]
    with pytest.raises(Uncertain) as raised:
        client.request("POST", peer.url, timeout=0.1)
    assert raised.value.code == "timeout"


@pytest.mark.parametrize("part", ["head", "body"])
def test_an_answer_that_drips_ends_in_time(peer: Peer, client: GuardedHttpClient, part: str) -> None:
    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + (b"content-length: 100000\r\n\r\n" if part == "body" else b"x: "))
        while not peer.release.wait(0.02):
            handler.wfile.write(b"x")
            handler.wfile.flush()

    peer.script = [drip]
    with pytest.raises(Uncertain) as raised:
        client.request("POST", peer.url, timeout=0.2)
    assert raised.value.code == "timeout"


def void(_: object) -> None:
    """Drop a value."""


@pytest.mark.parametrize(("method", "kind"), [("GET", Rejected), ("POST", Uncertain)])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_huge_answer_is_cut_off(
    peer: Peer, pool: HttpPool, method: str, kind: type[PluginError], chunked: bool
) -> None:
    def stream(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("transfer-encoding", "chunked")
        handler.end_headers()
        while not peer.release.is_set():
            handler.wfile.write(b"400\r\n" + b"x" * 1024 + b"\r\n")

    peer.script = [stream if chunked else answer(200, b"x" * 5000)]
    small = pool.client(connection="shop", allow_private=True, max_answer_bytes=4096)
    with pytest.raises(kind) as raised:
        small.request(method, peer.url)
    assert raised.value.code == "answer_too_large"


def test_gzip_is_unpacked_and_a_bomb_is_not(peer: Peer, pool: HttpPool) -> None:
    small = pool.client(connection="shop", allow_private=True, max_answer_bytes=4096)
    peer.script = [
        answer(200, gzip.compress(b'{"a": 1}'), content_encoding="gzip"),
        answer(200, gzip.compress(b"\0" * 10_000_000), content_encoding="gzip"),
    ]
    assert small.request("GET", peer.url).json() == {"a": 1}
    with pytest.raises(Rejected, match="larger than 4096 bytes"):
        small.request("GET", peer.url)


@pytest.mark.parametrize(
    ("body", "encoding"), [(gzip.compress(b"hello world", mtime=0)[:-6], "gzip"), (b"not gzip", "gzip"), (b"x", "br")]
)
def test_a_damaged_encoding_is_a_lost_answer(peer: Peer, client: GuardedHttpClient, body: bytes, encoding: str) -> None:
    peer.script = [answer(200, body, content_encoding=encoding)]
    with pytest.raises(Uncertain):
        client.request("POST", peer.url)


def test_a_head_answer_has_no_body(peer: Peer, client: GuardedHttpClient) -> None:
    peer.script = [answer(200, b"12345", content_encoding="gzip")]
    assert client.request("HEAD", peer.url).body == b""


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "0x7f000001", "127.1"])
def test_addresses_inside_are_refused_unless_allowed(peer: Peer, pool: HttpPool, host: str) -> None:
    strict = pool.client(connection="shop")
    with pytest.raises(Rejected) as raised:
        strict.request("GET", f"http://{host}:{peer.port}/")
    assert raised.value.code == "address_refused"
    assert "allow private addresses" in raised.value.message
    assert peer.requests == []


def test_a_name_that_leads_inside_is_refused_and_no_open_socket_is_borrowed(peer: Peer) -> None:
    asked: list[str] = []

    def resolver(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    pool = HttpPool(resolver=resolver)
    url = f"http://shop.example:{peer.port}/"
    pool.client(connection="ours", allow_private=True).request("GET", url)
    with pytest.raises(Rejected):
        pool.client(connection="theirs").request("GET", url)
    pool.close()
    assert asked == ["shop.example", "shop.example"]
    assert [request["headers"]["host"] for request in peer.requests] == [f"shop.example:{peer.port}"]


@pytest.mark.parametrize(
    "url",
    [
        "ftp://shop.example/",
        "file:///etc/passwd",
        "/orders",
        "https://",
        "http://user:pw@shop.example/",
        "http://x:port/",
    ],
)
def test_only_plain_http_addresses_are_called(client: GuardedHttpClient, url: str) -> None:
    with pytest.raises(Rejected) as raised:
        client.request("GET", url)
    assert raised.value.code == "url_invalid"
    assert "pw" not in raised.value.message


def test_a_header_that_would_split_the_request_is_refused(peer: Peer, client: GuardedHttpClient) -> None:
    with pytest.raises(Rejected) as raised:
        client.request("GET", peer.url, headers={"x-note": "a\r\nx-evil: 1"})
    assert raised.value.code == "request_malformed"
    assert peer.requests == []


def test_each_call_is_logged_without_secrets(peer: Peer, client: GuardedHttpClient) -> None:
    lines = io.StringIO()
    configure_logging(form="json", level="info", stream=lines)
    with correlated("c-1"):
        client.request("GET", f"{peer.url}/a?key=sesame", headers={"Authorization": "Bearer abc"})
    [line] = lines.getvalue().splitlines()
    for part in ('"http.call"', '"GET"', '"127.0.0.1"', '"/a"', "200", '"shop"', '"c-1"', '"ms"'):
        assert part in line
    assert "sesame" not in line
    assert "abc" not in line


def test_certificates_are_checked_for_the_name_although_the_socket_goes_to_the_address(tmp_path: Path) -> None:
    key_and_cert = tmp_path / "peer.pem"
    key_and_cert.write_bytes(certificate("shop.example"))
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(key_and_cert)
    peer = Peer(server_side)
    pool = HttpPool(
        tls=ssl.create_default_context(cafile=str(key_and_cert)),
        resolver=lambda host, port: ["127.0.0.1"],
        pause=lambda seconds: None,
    )
    client = pool.client(connection="shop", allow_private=True)
    try:
        assert client.request("GET", f"https://shop.example:{peer.port}/").status == 200
        with pytest.raises(Transient, match="certificate"):
            client.request("POST", f"https://other.example:{peer.port}/")
    finally:
        pool.close()
        peer.close()
    assert len(peer.requests) == 1


def certificate(name: str) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    pem = serialization.Encoding.PEM
    return key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain) + made.public_bytes(pem)


def test_a_transport_may_stand_in_for_the_network() -> None:
    pool = HttpPool(transport=httpx.MockTransport(lambda request: httpx.Response(201, json={"id": 1})))
    assert pool.client(connection="shop").request("POST", "https://shop.example/x").json() == {"id": 1}
