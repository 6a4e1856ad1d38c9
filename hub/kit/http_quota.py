"""The calls that a connection may make in a time, as its plugin declares them."""

import math
import threading
from collections.abc import Callable, Iterable
from typing import cast

from pyrate_limiter import GCRA, InMemoryBucket, Rate, RateItem, StateBucket

from hub.kit.clock import monotonic
from hub.sdk.manifest import Quota

ANY_OPERATION = "*"
"""A quota of this operation counts every call."""


class QuotaBook:
    """The used quotas of all connections of this process.

    A quota without `burst` is a strict window: never more than `rate` calls in any `per` seconds. With `burst` it is a
    bucket that holds `burst` calls and refills at `rate / per`, which is how Amazon's and Shopify's limits are stated.
    """

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._buckets: dict[tuple[str, Quota], InMemoryBucket | StateBucket] = {}

    def take(self, connection: str, operation: str, quotas: Iterable[Quota]) -> float:
        """Take one call; 0 when it may be made now, else the seconds to wait before asking again.

        Where several quotas count the call, those that had room keep it counted when another one has none: the count
        then errs on the careful side.
        """
        wait = 0.0
        with self._lock:
            for quota in quotas:
                if quota.operation in (operation, ANY_OPERATION) and wait == 0.0:
                    wait = self._take_one(connection, quota)
        return wait

    def _take_one(self, connection: str, quota: Quota) -> float:
        bucket = self._buckets.get((connection, quota))
        if bucket is None:
            bucket = self._buckets[connection, quota] = _bucket(quota)
        now = int(self._now() * 1000)
        bucket.leak(now)
        item = RateItem(quota.operation, now)
        if bucket.put(item):
            return 0.0
        return max(1, cast("int", bucket.waiting(item))) / 1000


def _bucket(quota: Quota) -> InMemoryBucket | StateBucket:
    rate = Rate(quota.rate, max(1, math.ceil(quota.per * 1000)), quota.burst)
    return InMemoryBucket([rate]) if quota.burst is None else StateBucket([rate], GCRA())
