"""Raters: how far they agree, who fails the attention checks, who votes unlike the others."""

from collections.abc import Collection
from dataclasses import dataclass

import pandas as pd
from scipy import stats

from analysis.preference.outcomes import POINTS, comparisons
from analysis.preference.rates import Rate, controls

SIGNIFICANT = 0.01
CARELESS = 0.2
"""Share of attention checks that a careful rater may fail."""


@dataclass(frozen=True, kw_only=True)
class Rater:
    """One rater's votes; `agreement` is with others on the same pairs, `expected` all raters'."""

    name: str
    votes: int
    skipped: int
    checks: int
    failed: int
    agreement: float
    compared: int
    side: Rate
    flags: tuple[str, ...]


def alpha(votes: pd.DataFrame, *, among: Collection[str] = tuple(POINTS)) -> float:
    """Krippendorff's alpha of nominal choices, the pairs being the units; nan without overlap.

    1 - (n - 1) sum_{c != k} o_ck / sum_{c != k} n_c n_k, over pairs with two votes or more
    (Krippendorff 2011, Computing Krippendorff's alpha-reliability).
    """
    counted = votes[votes["choice"].isin(list(among))]
    table = pd.crosstab(counted["pair"], counted["choice"]).to_numpy(float)
    table = table[table.sum(axis=1) >= 2]
    if not len(table):
        return float("nan")
    each = table.sum(axis=1)
    of = table.sum(axis=0)
    n = of.sum()
    observed = ((each**2 - (table**2).sum(axis=1)) / (each - 1)).sum()
    expected = (n**2 - (of**2).sum()) / (n - 1)
    return float(1 - observed / expected) if expected else float("nan")


def raters(votes: pd.DataFrame) -> tuple[Rater, ...]:
    """Each rater, by name, with what speaks against them; nobody is left out here.

    Agreement is on neither checks, on which all who look agree, nor controls, on which none need.
    """
    judged = comparisons(votes[votes["choice"].isin(list(POINTS))])
    shares = {str(name): _with_others(judged, str(name)) for name in judged["rater"].unique()}
    pooled = sum(a for a, _ in shares.values()) / max(1, sum(n for _, n in shares.values()))
    found = []
    for name, own in votes.groupby(votes["rater"].astype(str)):
        agreed, compared = shares.get(str(name), (0.0, 0))
        checks = own[own["kind"] == "check"]
        failed = int((checks["choice"] != "first").sum())
        about = Rater(
            name=str(name),
            votes=len(own),
            skipped=int((own["choice"] == "skip").sum()),
            checks=len(checks),
            failed=failed,
            agreement=agreed / compared if compared else float("nan"),
            compared=compared,
            side=controls(own),
            flags=(),
        )
        found.append(_flagged(about, pooled, len(shares)))
    return tuple(found)


def _with_others(votes: pd.DataFrame, name: str) -> tuple[float, int]:
    """On pairs that others voted on too: summed share of the others who chose alike, and pairs."""
    own = votes[votes["rater"].astype(str) == name].drop_duplicates("pair").set_index("pair")
    others = votes[(votes["rater"].astype(str) != name) & votes["pair"].isin(own.index)]
    if others.empty:
        return 0.0, 0
    alike = others["choice"].to_numpy() == own["choice"].reindex(others["pair"]).to_numpy()
    by_pair = pd.Series(alike.astype(float)).groupby(others["pair"].to_numpy()).mean()
    return float(by_pair.sum()), len(by_pair)


def _flagged(rater: Rater, pooled: float, count: int) -> Rater:
    flags = []
    tests = SIGNIFICANT / max(1, count)
    if rater.checks:
        chance = float(stats.binom.sf(rater.failed - 1, rater.checks, CARELESS))
        if rater.failed and (chance < SIGNIFICANT or rater.failed == rater.checks > 1):
            flags.append(f"failed {rater.failed} of {rater.checks} attention checks")
    if rater.compared and count > 2:
        agreed = round(rater.agreement * rater.compared)
        chance = float(stats.binom.cdf(agreed, rater.compared, min(max(pooled, 0.01), 0.99)))
        if chance < tests:
            flags.append(
                f"agrees with others on {rater.agreement:.0%} of {rater.compared} pairs, where "
                f"raters agree on {pooled:.0%}"
            )
    if not rater.side.low <= 0.5 <= rater.side.high and rater.side.votes:
        flags.append(f"prefers a side on equal pairs: left in {rater.side} of them")
    return Rater(**{**vars(rater), "flags": tuple(flags)})
