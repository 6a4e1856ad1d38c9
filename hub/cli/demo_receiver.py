"""The other side of what the hub sends: one small HTTP server that is the dealer portal and the shop's Admin API."""

import base64
import hmac
import json
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from hub.cli.demo_server import HOST
from hub.cli.demo_shop import DemoShop, Told

STOP_SECONDS = 10.0


class PortalBook:
    """The portal's own book of the shipments that it was told about; a repeated message is one entry with a count."""

    def __init__(self) -> None:
        self.secret: str | None = None
        self.told: dict[str, Told] = {}
        self.deliveries = 0
        self.refused = 0
        self._lock = threading.Lock()

    def take(self, headers: Mapping[str, str], body: bytes) -> int:
        """Verify the signature (Standard Webhooks 1.0) and note the shipment; the status to answer."""
        with self._lock:
            if not self._is_genuine(headers, body):
                self.refused += 1
                return 401
            self.deliveries += 1
            event = json.loads(body)
            if event["type"] == "shipment.created":
                data = event["data"]
                units = {line["line_id"]: int(float(line["quantity"])) for line in data["lines"]}
                told = Told(data["order_id"], tuple(data["tracking_numbers"]), units, data["reference"])
                self.told.setdefault(headers["webhook-id"], told)
            return 204

    def _is_genuine(self, headers: Mapping[str, str], body: bytes) -> bool:
        key = base64.b64decode((self.secret or "").removeprefix("whsec_"))
        signed = f"{headers.get('webhook-id')}.{headers.get('webhook-timestamp')}.".encode() + body
        expected = "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
        return bool(self.secret) and hmac.compare_digest(expected, headers.get("webhook-signature", ""))


class Receiver:
    """Listens on a free local port until `stop`."""

    def __init__(self, shop: DemoShop, portal: PortalBook) -> None:
        self._server = ThreadingHTTPServer((HOST, 0), _handler(shop, portal))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="demo-receiver", daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{HOST}:{self._server.server_address[1]}"

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=STOP_SECONDS)


def _handler(shop: DemoShop, portal: PortalBook) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # without this, each answer of two small packets waits 40 ms for the other side's acknowledgement
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            if self.path == "/portal":
                self._answer(portal.take({name.lower(): value for name, value in self.headers.items()}, body), None)
            elif self.path.endswith("/graphql.json"):
                self._answer(*shop.answer(body))
            else:
                self._answer(404, {})

        def do_HEAD(self) -> None:
            self._answer(405, None)

        def log_message(self, *_: Any) -> None:
            """Nothing: the books are the record."""

        def _answer(self, status: int, document: dict[str, Any] | None) -> None:
            body = b"" if document is None else json.dumps(document).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler
