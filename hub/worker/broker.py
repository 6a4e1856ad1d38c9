"""The doorbell: messages that carry a queue's name and nothing else. Losing or doubling all of them only costs time."""

from collections.abc import Callable, Iterable

import dramatiq
from dramatiq.broker import Broker
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.brokers.redis import RedisBroker
from dramatiq.brokers.stub import StubBroker
from dramatiq.middleware import CurrentMessage, ShutdownNotifications, TimeLimit

from hub.kit.errors import InvalidInput

QUEUES = ("intake", "flow", "outward", "bulk")
"""By what starving would cost: arriving orders, decisions, calls to others, everything that can wait."""


def make_broker(url: str) -> Broker:
    """The broker of a URL; retries, results and delays of the broker itself are never used."""
    middleware = [CurrentMessage(), ShutdownNotifications(), TimeLimit(time_limit=600_000)]
    if url.startswith("memory:"):
        broker: Broker = StubBroker(middleware=middleware)
    elif url.startswith(("amqp:", "amqps:")):
        broker = RabbitmqBroker(url=url, confirm_delivery=True, middleware=middleware)
    elif url.startswith(("redis:", "rediss:")):
        broker = RedisBroker(  # type: ignore[no-untyped-call]
            url=url, middleware=middleware, maintenance_chance=100_000, heartbeat_timeout=15_000
        )
    else:
        raise InvalidInput(
            "unknown_broker",
            f"ORDERHUB_BROKER_URL begins with {url.partition(':')[0]!r}: use memory://, amqp://host/ or redis://host:port/0.",
        )
    dramatiq.set_broker(broker)
    return broker


def declare_work(
    broker: Broker, drain: Callable[[str], None], *, queues: Iterable[str] = QUEUES
) -> Callable[[str], None]:
    """Declare the one working actor on every queue; returns the function that rings a queue's doorbell.

    There is no retry middleware: a message that fails is gone, and the sweep rings again.
    """
    actor = dramatiq.actor(broker=broker, actor_name="work", queue_name="flow")(drain)
    for queue in queues:
        broker.declare_queue(queue)

    def ring(queue: str) -> None:
        broker.enqueue(actor.message(queue).copy(queue_name=queue))

    return ring
