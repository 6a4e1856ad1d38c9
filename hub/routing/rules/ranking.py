"""Put candidates into an order and say what decided."""

from collections.abc import Callable, Mapping, Sequence

from hub.kit.rules.actions import RankBy
from hub.routing.rules.candidates import Candidacy, load_permille

NO_VALUE = float("inf")
CODE = "code"
"""The last tie-break: the location's code, alphabetically."""
WEIGHTED = "weighted"
STRATEGY = "strategy"
"""Comes before all criteria where a strategy has chosen: its locations first, in its order."""

Asked = Mapping[str, Callable[[Candidacy], int | None]]
"""Rankers that need the services of a location: `cost`, `arrival`."""


def _proximity(candidate: Candidacy) -> int:
    if candidate.same_region:
        return 0
    return 1 if candidate.same_country else 2


def _stock(candidate: Candidacy) -> int | None:
    if not candidate.available:
        return None
    left = [there for sku, there in candidate.available.items() if sku not in candidate.missing]
    return -min(left) if left and not candidate.missing else 0


_VALUES: dict[str, Callable[[Candidacy], float | None]] = {
    "preference": lambda c: -c.preference,
    "proximity": _proximity,
    "distance": lambda c: c.distance,
    "ship_day": lambda c: c.day[0] if c.day else None,
    "stock_age": lambda c: None if c.stock_age is None else -c.stock_age,
    "stock": _stock,
    "load": load_permille,
    "rank": lambda c: c.site.location.rank,
}


def ranking_of(policy: RankBy, plugins: Sequence[str], preferred: bool) -> tuple[str, ...]:
    """The names of the criteria in force: `preference` first where a rule set one and the ranking does not list it,
    plugins' ranks that are not listed last."""
    names = tuple(entry.ranker for entry in policy.by)
    if preferred and "preference" not in names:
        names = ("preference", *names)
    return names + tuple(name for name in plugins if name not in names)


def rank(
    candidates: list[Candidacy],
    policy: RankBy,
    names: tuple[str, ...],
    plugin_ranks: Mapping[str, Mapping[str, float]],
    asked: Asked,
) -> list[Candidacy]:
    """The candidates best first; each keeps its values in `ranks` and its sort key."""
    for candidate in candidates:
        ranks: dict[str, float | None] = {}
        for name in names:
            value_of = _VALUES.get(name)
            if value_of is not None:
                ranks[name] = value_of(candidate)
            elif name in asked:
                ranks[name] = asked[name](candidate)
            else:
                ranks[name] = plugin_ranks.get(name, {}).get(candidate.code)
        candidate.ranks = ranks
    if policy.mode == WEIGHTED:
        _weigh(candidates, policy, names)
    else:
        for candidate in candidates:
            candidate.key = tuple([NO_VALUE if value is None else value for value in candidate.ranks.values()])
    return sorted(candidates, key=lambda candidate: (candidate.key, candidate.code))


def _weigh(candidates: list[Candidacy], policy: RankBy, names: tuple[str, ...]) -> None:
    """Scale each criterion to 0..1000 over the candidates and sum by weight; a missing value counts 1000."""
    weights = {entry.ranker: entry.weight for entry in policy.by}
    totals = dict.fromkeys((candidate.code for candidate in candidates), 0)
    for name in names:
        known = [value for c in candidates if (value := c.ranks[name]) is not None]
        if name not in weights or not known:
            continue
        low, spread = min(known), max(known) - min(known)
        for candidate in candidates:
            value = candidate.ranks[name]
            scaled = 1000 if value is None else round((value - low) * 1000 / spread) if spread else 0
            totals[candidate.code] += scaled * weights[name]
    first = "preference" in names and "preference" not in weights
    for candidate in candidates:
        candidate.ranks[WEIGHTED] = totals[candidate.code]
        candidate.key = (-candidate.preference if first else 0, totals[candidate.code])


def put_first(ranked: list[Candidacy], chosen: Sequence[str]) -> list[Candidacy]:
    """The candidates with those first that a strategy chose; the others stay as they are ranked."""
    places = {code: place for place, code in enumerate(chosen)}
    for candidate in ranked:
        candidate.ranks[STRATEGY] = places.get(candidate.code, len(places))
    return sorted(ranked, key=lambda candidate: places.get(candidate.code, len(places)))


def decider(better: Candidacy, worse: Candidacy) -> str:
    """The criterion by which the one comes before the other; `code` where all are equal."""
    if better.ranks.get(STRATEGY) != worse.ranks.get(STRATEGY):
        return STRATEGY
    if WEIGHTED in better.ranks:
        return _weighted_decider(better, worse)
    for name, mine, theirs in zip(better.ranks, better.key, worse.key, strict=False):
        if mine != theirs:
            return name
    return CODE


def _weighted_decider(better: Candidacy, worse: Candidacy) -> str:
    if better.key[0] != worse.key[0]:
        return "preference"
    return WEIGHTED if better.key != worse.key else CODE
