"""The hub's own route filter, ranker and strategy, through the same hooks as those of plugins."""

from hub.routing.rules.optimize import solve
from hub.sdk.hooks import Exclusion, RouteRequest, WaveAnswer, WaveRequest, hookimpl

RANKER = "hub.specialists"
"""Under this name the host registers the ranker; rules call it `plugin:hub.specialists`."""
WAVE = "hub.wave"
"""Under this name the host registers the strategy; rules call it `wave`."""
FILTER = "hub.virtual_locations"
"""Under this name the host registers the filter; decisions call it `plugin:hub.virtual_locations`."""


class VirtualLocations:
    """Virtual locations keep stock on paper (in transit, on consignment, at a marketplace): nobody there packs."""

    @hookimpl
    def hub_route_filter(self, request: RouteRequest) -> list[Exclusion]:
        """Exclude them from every order; goods that need no shipping never come here."""
        facts = request.location_facts
        return [
            Exclusion(code, "a virtual location ships nothing", {"kind": "virtual"})
            for code in request.locations
            if facts[code].get("location.kind") == "virtual"
        ]


class KeepSpecialistsFree:
    """A cold store or a hazmat bay is scarce: ordinary goods had better leave from an ordinary place.

    Takes part only where a rule's ranking names `plugin:hub.specialists`.
    """

    @hookimpl
    def hub_route_rank(self, request: RouteRequest) -> dict[str, float] | None:
        """Count the capabilities that the order does not ask for; None where that tells no two locations apart."""
        wanted = frozenset(request.order_facts.get("order.requires", ()))
        facts = request.location_facts
        spare = {
            code: float(len(frozenset(facts[code].get("location.capabilities", ())) - wanted))
            for code in request.locations
        }
        return spare if len(set(spare.values())) > 1 else None


class Together:
    """Orders of a batch share stock and capacity at the least cost."""

    @hookimpl
    def hub_route_strategy(self, request: WaveRequest) -> WaveAnswer:
        """Solve the wave as an integer program; abstains without the extra `optimize`."""
        return solve(request)


OWN_HOOKS: dict[str, object] = {FILTER: VirtualLocations(), RANKER: KeepSpecialistsFree(), WAVE: Together()}
"""What the host is given beside plugins. As rankers they are asked only where the active rules name them."""
