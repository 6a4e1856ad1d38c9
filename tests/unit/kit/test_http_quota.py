import pytest

from hub.kit.http import HttpPool
from hub.sdk.errors import RateLimited
from hub.sdk.manifest import Quota
from tests.unit.kit.peer import Peer, answer


def test_quotas_hold_calls_back_and_long_waits_go_to_the_engine(peer: Peer, pauses: list[float]) -> None:
    pool = HttpPool(pause=pauses.append)
    now = 100.0
    pool.quotas._now = lambda: now + sum(pauses)
    quick = (Quota("stock", 2, 1.0),)
    client = pool.client(connection="shop", quotas=quick, allow_private=True)
    for _ in range(3):
        client.request("PUT", peer.url, operation="stock")
    assert len(pauses) == 1
    assert 0.9 < pauses[0] < 1.1
    slow = pool.client(connection="shop", quotas=(Quota("orders", 1, 179.0),), allow_private=True)
    slow.request("GET", peer.url, operation="orders")
    with pytest.raises(RateLimited) as raised:
        slow.request("GET", peer.url, operation="orders")
    assert raised.value.code == "quota"
    assert 170 < raised.value.after <= 180
    pool.client(connection="other", quotas=(Quota("orders", 1, 179.0),), allow_private=True).request(
        "GET", peer.url, operation="orders"
    )
    assert len(peer.requests) == 5
    pool.close()


def test_all_tries_of_a_call_share_one_patience_for_their_quota(peer: Peer, pauses: list[float]) -> None:
    pool = HttpPool(pause=pauses.append)
    pool.quotas._now = lambda: 100.0 + sum(pauses)
    peer.script = [answer(500, b"")]
    client = pool.client(connection="shop", quotas=(Quota("orders", 1, 4.0),), allow_private=True)
    with pytest.raises(RateLimited) as raised:
        client.request("GET", peer.url, operation="orders")
    assert (raised.value.code, len(peer.requests)) == ("quota", 2)
    assert sum(pause for pause in pauses if pause > 2) < 5
    pool.close()


def test_a_connection_whose_quota_is_used_up_is_deferred_for_a_while(
    peer: Peer, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next call would be allowed in a moment, but others have always been quicker."""
    pool = HttpPool(pause=pauses.append)
    monkeypatch.setattr(pool.quotas, "take", lambda *asked: 0.3)
    with pytest.raises(RateLimited) as raised:
        pool.client(connection="shop", allow_private=True).request("GET", peer.url)
    assert (raised.value.after, peer.requests) == (1.0, [])
    assert 4 < sum(pauses) <= 5
    pool.close()
