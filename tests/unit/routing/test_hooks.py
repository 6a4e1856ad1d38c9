"""Which hooks of plugins take part in planning, and what rules call them."""

from hub.host.plugins import PluginHost
from hub.routing.service.hooks import plugin_rankers
from hub.sdk.hooks import RouteRequest, hookimpl


class Told:
    @hookimpl
    def hub_route_rank(self, request: RouteRequest) -> dict[str, float]:
        """Places whose people are awake first.

        By their time zone.
        """
        return {}


class Untold:
    @hookimpl
    def hub_route_rank(self, request: RouteRequest) -> dict[str, float]:
        return {}


def test_rankers_of_plugins_are_known_by_their_rule_name_and_say_what_they_do() -> None:
    host = PluginHost.load(own={"acme.awake": Told(), "acme.other": Untold()})
    assert plugin_rankers(host) == {
        "plugin:acme.awake": "Places whose people are awake first.", "plugin:acme.other": "acme.other",
    }  # fmt: skip
