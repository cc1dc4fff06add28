"""P: the paired bootstrap over patients, with the variance between repeats added.

A draw takes as many patients as there are, with replacement, from each stratum of patients with
the same set of classes or labels; all bags of a patient come along, in all repeats and for all
methods. A patient drawn twice counts twice, so a draw is a column of weights and nothing is trained
or sorted again. A fold without one of the classes in a draw is left out of that draw, for every
method.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from milbench.errors import StatisticsError
from milbench.metrics.catalogue import value_of
from milbench.metrics.definitions import find
from milbench.metrics.rows import Floats, Integers, Weights, ratio
from milbench.stats.design import Design, design_of, runs_of
from milbench.stats.draws import drawn_patients, strata_of
from milbench.stats.estimate import Estimate, estimate, groups_of, shares_of
from milbench.stats.pairing import align
from milbench.stats.resampled import (
    Paired,
    defined,
    is_constant,
    read_difference,
    tails,
    widened,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from milbench.metrics import Predictions
    from milbench.metrics.rows import Rows
    from milbench.stats.draws import Number

BLOCK: Final = 500_000  # weights held at once, 4 MB at most; another number gives other draws
WHOLE: Final = 2**24  # float32 holds every whole number up to here


class _Group(NamedTuple):
    """Test rows that a metric is computed on.

    Parameters
    ----------
    methods
        The rows of each method.
    owner : (N,)
        The patient of each row.
    share
        How much the group counts in the value.
    """

    methods: Sequence[Rows]
    owner: Integers
    share: float


@dataclass(frozen=True, eq=False)
class Bootstrap:
    """The same draws of patients for all methods.

    Parameters
    ----------
    metric
        Name of the metric.
    estimates
        The estimate of each method.
    draws : (m, B)
        The metric of each method in each draw, over patients only; the readers below widen it by
        the variance between repeats. NaN where no fold could be scored.
    design
        How the experiment was replicated.
    """

    metric: str
    estimates: Mapping[str, Estimate]
    draws: Floats
    design: Design

    @property
    def names(self) -> tuple[str, ...]:
        """Return the methods, in the order of ``draws``."""
        return tuple(self.estimates)

    @property
    def point(self) -> Floats:
        """Return the value of each method, (m,)."""
        return np.array([found.value for found in self.estimates.values()])

    def interval(self, name: str, level: float = 0.95) -> tuple[float, float]:
        """Return the percentile interval of one method, inside the bounds of the metric.

        It is a point when every draw is equal, as with an AUROC of 1; ``codes_of`` then says
        ``DEGENERATE_VARIANCE``. NaN when the value is undefined.
        """
        found = self.estimates[name]
        drawn = self._drawn(name)
        if np.isnan(found.value) or not drawn.size:
            return np.nan, np.nan
        drawn = widened(drawn, found.value, replicate_variance(found.per_seed))
        low, high = np.clip(np.quantile(drawn, tails(level)), *find(self.metric).bounds)
        return float(low), float(high)

    def codes_of(self, name: str) -> frozenset[str]:
        """Return the codes of a method's estimate and of its interval."""
        codes = self.estimates[name].codes
        return codes | {"DEGENERATE_VARIANCE"} if is_constant(self._drawn(name)) else codes

    def paired(self, a: str, b: str, level: float = 0.95) -> Paired:
        """Return the difference of two methods, with interval and p; see ``read_difference``."""
        first, second = self.estimates[a], self.estimates[b]
        difference = first.value - second.value
        drawn = self.differences(a, b)
        codes = self.design.codes | first.codes | second.codes
        spread = replicate_variance(first.per_seed - second.per_seed)
        return read_difference(drawn, difference, spread, level, codes)

    def differences(self, a: str, b: str) -> Floats:
        """Return a minus b in each draw, (B,)."""
        return np.asarray(self.draws[self.names.index(a)] - self.draws[self.names.index(b)])

    def standard_error(self, a: str, b: str) -> float:
        """Return the standard error of a minus b, over patients and between repeats."""
        per_seed = self.estimates[a].per_seed - self.estimates[b].per_seed
        drawn = defined(self.differences(a, b))
        patients = float(drawn.var(ddof=1)) if drawn.size > 1 else float("nan")
        return float(np.sqrt(patients + replicate_variance(per_seed)))

    def _drawn(self, name: str) -> Floats:
        return defined(self.draws[self.names.index(name)])


def patient_bootstrap(
    metric: str, methods: Mapping[str, Predictions], *, draws: int = 10_000, seed: int
) -> Bootstrap:
    """Draw patients with replacement and score every method on each draw.

    Parameters
    ----------
    methods
        Predictions by method; all tested on the same rows.
    draws
        B; the smallest p is 2 / (B + 1).
    seed
        The same seed gives the same draws, whatever the order of rows and the other methods.

    Raises
    ------
    StatisticsError
        If the methods are unpaired (``UNPAIRED_SPLITS``) or ``draws`` is not positive.
    """
    if draws < 1:
        raise StatisticsError(f"{draws} bootstrap draws: expected at least 1, better 10000")
    aligned = align(methods)
    first = next(iter(aligned.values()))
    groups = _groups(metric, aligned)
    patients, owner = np.unique(first.patient, return_inverse=True)  # (P,), (M,)
    block = max(1, BLOCK // max(len(patients), *(len(group.owner) for group in groups)))
    number = _number(metric, [group.owner for group in groups], len(patients))
    drawn = [
        _score(metric, groups, counts)
        for counts in drawn_patients(strata_of(first, owner), draws, block, seed, number)
    ]
    design = design_of(first)
    return Bootstrap(
        metric=metric,
        estimates={name: estimate(metric, p, design) for name, p in aligned.items()},
        draws=_without_improper(metric, aligned, np.concatenate(drawn, axis=1)),
        design=design,
    )


def score_weighted(metric: str, methods: Mapping[str, Predictions], counts: Weights) -> Floats:
    """Return the metric of each method with patients counted so often, (m, B).

    Parameters
    ----------
    methods
        Aligned: see :func:`milbench.stats.pairing.align`.
    counts : (P, B)
        How often each patient counts, in the order of their names.
    """
    return _without_improper(metric, methods, _score(metric, _groups(metric, methods), counts))


def _groups(metric: str, aligned: Mapping[str, Predictions]) -> list[_Group]:
    """Return the rows that the metric is computed on at a time, for all methods."""
    first = next(iter(aligned.values()))
    groups = groups_of(metric, runs_of(first))
    owner = np.unique(first.patient, return_inverse=True)[1]  # (M,)
    return [
        _Group([p.rows(group.positions) for p in aligned.values()], owner[group.positions], share)
        for group, share in zip(groups, shares_of(groups).tolist(), strict=True)
    ]


def replicate_variance(per_seed: Floats) -> float:
    """Return the variance of a mean over repeats that is due to splits and training seeds.

    The variance between repeats over their number; with fewer than two repeats, or where it is
    larger, the variance between seeds of a repeat over the number of runs. 0 for a single run,
    where it cannot be known.

    Parameters
    ----------
    per_seed : (repeats, seeds)
        Values, NaN where absent.
    """
    count = (~np.isnan(per_seed)).sum(axis=1)  # (R,)
    means = ratio(np.nansum(per_seed, axis=1), count.astype(float))  # (R,)
    between = float(means.var(ddof=1)) / len(means) if len(means) > 1 else 0.0
    freedom = int(np.maximum(count - 1, 0).sum())
    squares = float(np.nansum((per_seed - means[:, None]) ** 2))
    within = squares / freedom / int(count.sum()) if freedom else 0.0
    return max(between, within)


def _number(metric: str, owners: Sequence[Integers], patients: int) -> Number:
    """Return the type for weights: float32 where whatever the metric counts is exact in it."""
    bags = patients * max(int(np.bincount(rows).max()) for rows in owners)  # no draw has more
    # Pairs of a bag and a label are more than the bags.
    is_count = find(metric).kind in ("ranking", "count") and metric != "micro-auroc"
    # The largest count is twice that of pairs, half of the bags with the other half.
    return np.float32 if is_count and bags**2 / 2 < WHOLE else np.float64


def _score(metric: str, groups: Sequence[_Group], counts: Weights) -> Floats:
    """Return the metric of each method in each draw, (m, B), over the groups defined there.

    Parameters
    ----------
    counts : (P, B)
        How often each patient is drawn.
    """
    total = np.zeros((len(groups[0].methods), counts.shape[1]))  # (m, B)
    counted = np.zeros_like(total)
    for group in groups:
        weights = counts[group.owner]  # (N, B)
        for method, rows in enumerate(group.methods):
            values = value_of(metric, rows, weights)  # (B,)
            defined = ~np.isnan(values)
            np.add(total[method], group.share * values, out=total[method], where=defined)
            counted[method] += group.share * defined
    return ratio(total, counted)


def _without_improper(metric: str, methods: Mapping[str, Predictions], drawn: Floats) -> Floats:
    """Blank the draws of methods whose scores are no probabilities where a metric needs them."""
    if find(metric).kind != "ranking":
        drawn[[not p.is_probability for p in methods.values()]] = np.nan
    return drawn
