"""A sender in a process of its own: posts bulk bodies one after the other and says when it began and ended.

Usage: python -m bench.client URL TOKEN CONNECTION COUNT BATCH [FIRST]
Prints {"began", "ended" (seconds since 1970), "acknowledged"}.
"""

import http.client
import sys
import time
from urllib.parse import urlsplit

import orjson

from bench.orders import bulk_bodies

BUSY_SECONDS = 0.2


def send(url: str, token: str, connection: str, count: int, batch: int, first: int) -> dict[str, float]:
    """Post everything; a 503 is sent again, any other refusal ends the run."""
    parts = urlsplit(url)
    link = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port, timeout=60)
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    bodies = list(bulk_bodies(connection, count, batch, first))
    acknowledged = 0
    began = time.time()
    for body in bodies:
        while True:
            link.request("POST", "/v1/orders", body=body, headers=headers)
            response = link.getresponse()
            answer = response.read()
            if response.status == 202:
                acknowledged += len(orjson.loads(answer)["items"])
                break
            if response.status != 503:
                raise SystemExit(f"{response.status}: {answer[:500].decode()}")
            time.sleep(BUSY_SECONDS)
    return {"began": began, "ended": time.time(), "acknowledged": acknowledged}


def main() -> None:
    """The command."""
    url, token, connection, count, batch, *rest = sys.argv[1:]
    outcome = send(url, token, connection, int(count), int(batch), int(rest[0]) if rest else 0)
    sys.stdout.write(orjson.dumps(outcome).decode() + "\n")


if __name__ == "__main__":
    main()
