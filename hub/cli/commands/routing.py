"""`hub routing`: why an order goes where it goes, and the rules that decide it."""

import click

from hub.cli.lazy import LazyGroup

_HERE = "hub.cli.commands"
_PLACES = {
    "why": (f"{_HERE}.why:why", "Say why an order is sent from where it is sent."),
    "list": (f"{_HERE}.rule_sets:list_versions", "List the versions of the rules, newest first."),
    "types": (f"{_HERE}.rule_types:types", "List what rules are made of: facts, filters, rankers, actions."),
    "draft": (f"{_HERE}.rule_sets:draft", "Keep rules as a new version that decides nothing yet."),
    "export": (f"{_HERE}.rule_sets:export", "Print a version as YAML."),
    "diff": (f"{_HERE}.rule_sets:diff", "Show what differs between two versions."),
    "lint": (f"{_HERE}.lint:lint", "Find rules that cannot do what they are written for."),
    "golden": (f"{_HERE}.golden:golden", "Orders of which it is known what rules must make of them."),
    "backtest": (f"{_HERE}.backtest:backtest", "See what rules would have decided about the last orders."),
    "backtests": (f"{_HERE}.rule_sets:backtests", "List the backtests that are kept."),
    "shadow": (f"{_HERE}.shadow:shadow", "Ask a version about live orders, without letting it decide any."),
    "gate": (f"{_HERE}.rule_sets:gate", "Show and change what a version must keep to go live."),
    "override": (f"{_HERE}.rule_sets:override", "Let a version pass that somebody else wrote."),
    "activate": (f"{_HERE}.rule_sets:activate", "Let a version decide from now on."),
    "rollback": (f"{_HERE}.rule_sets:rollback", "Let the version decide again that was active before."),
    "report": (f"{_HERE}.backtest:report", "Show how routing does, from the last orders."),
    "waves": (f"{_HERE}.waves:waves", "Show what orders that were planned together saved."),
    "gifts": (f"{_HERE}.gifts:gifts", "Show what rules have given away, and what is left to give."),
    "places": (f"{_HERE}.places:places", "Tables of postal codes and cities, for distances."),
}


@click.group(cls=LazyGroup, places=_PLACES)
def routing() -> None:
    """See why an order goes where it goes; change the rules that decide it."""
