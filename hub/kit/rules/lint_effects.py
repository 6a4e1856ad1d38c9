"""What actions of several rules come to together: which locations or services they leave."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hub.kit.rules.actions import (
    Action,
    AllowServices,
    Exclude,
    ExcludeServices,
    Only,
    Prefer,
    PreferServices,
    Require,
)


@dataclass(frozen=True, slots=True)
class World:
    """What there is: locations with their capabilities, services as `connection/service`; None: not known."""

    locations: Mapping[str, frozenset[str]] | None = None
    services: frozenset[str] | None = None


def leaves_nothing(actions: Iterable[Action], world: World) -> str:
    """`location` or `service` where these actions together leave none; empty where they leave one or nobody knows."""
    given = tuple(actions)
    if any(isinstance(action, Exclude | Only | Require) for action in given) and locations_left(given, world) == set():
        return "location"
    if any(isinstance(action, AllowServices | ExcludeServices) for action in given):
        return "service" if services_left(given, world) == set() else ""
    return ""


def locations_left(actions: Iterable[Action], world: World) -> set[str] | None:
    """The locations left; None where that cannot be told."""
    only = [set(action.locations) for action in actions if isinstance(action, Only)]
    known = set(world.locations or ())
    if world.locations is None and not only:
        return None
    left = set.intersection(*only) if only else known
    for action in actions:
        if isinstance(action, Exclude) and action.locations is not None:
            left -= set(action.locations)
        elif isinstance(action, Require) and world.locations is not None:
            left = {code for code in left if _able(code, action, world.locations)}
    return left


def _able(code: str, action: Require, locations: Mapping[str, frozenset[str]]) -> bool:
    """A location or a capability that is not known is told as a missing reference, not here."""
    has = locations.get(code)
    known = frozenset[str]().union(*locations.values())
    return has is None or (frozenset(action.capabilities) & known) <= has


def services_left(actions: Iterable[Action], world: World) -> set[str] | None:
    """The services left; None where that cannot be told."""
    allowed = [action.services for action in actions if isinstance(action, AllowServices)]
    if world.services is None and not allowed:
        return None
    named = {service for services in allowed for service in services}
    connected = {service.partition("/")[0] for service in world.services or ()}
    left = set(world.services or ()) | {
        service for service in named if not (service.endswith("/*") and service.partition("/")[0] in connected)
    }
    for services in allowed:
        left = {service for service in left if _named(service, services)}
    for action in actions:
        if isinstance(action, ExcludeServices):
            left = {service for service in left if not _named(service, action.services)}
    return left


def in_vain(action: Action, others: Iterable[Action], world: World) -> bool:
    """Whether a preference is for nothing: others take out all that it prefers."""
    given = tuple(others)
    if isinstance(action, Prefer) and action.locations is not None and action.weight > 0:
        if any(isinstance(other, Only) for other in given) or world.locations is not None:
            left = locations_left(given, world)
            return left is not None and set(action.locations).isdisjoint(left) and bool(left)
        return any(isinstance(o, Exclude) and set(action.locations) <= set(o.locations or ()) for o in given)
    if isinstance(action, PreferServices):
        left = services_left(given, world)
        return bool(left) and not any(_named(service, action.services) for service in left or ())
    return False


def _named(service: str, services: Iterable[str]) -> bool:
    if service.endswith("/*"):
        prefix = service.removesuffix("*")
        return any(other.startswith(prefix) for other in services)
    return service in services or f"{service.partition('/')[0]}/*" in services
