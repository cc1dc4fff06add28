"""Intervals beyond plain percentiles: bias-corrected ones, and those that hold together."""

import numpy as np
import pytest
from scipy import stats

from milbench.stats.bca import bca, bca_intervals
from milbench.stats.bootstrap import patient_bootstrap, score_weighted
from milbench.stats.pairing import align
from milbench.stats.simultaneous import simultaneous


def test_bca_agrees_with_scipy():
    """The variance of skewed values, where percentiles are far off: the same draws in both."""
    values = np.random.default_rng(1).exponential(size=25)
    oracle = stats.bootstrap(
        (values,), np.var, n_resamples=5000, method="BCa", rng=np.random.default_rng(2)
    )
    left_out = np.array([np.var(np.delete(values, i)) for i in range(25)])

    found = bca(oracle.bootstrap_distribution, float(np.var(values)), left_out)

    assert found == pytest.approx(tuple(oracle.confidence_interval), rel=2e-3)


def test_bca_without_bias_or_skew_is_the_percentile():
    """Symmetric draws about the value, symmetric units."""
    drawn = np.linspace(-1.0, 1.0, 2001)

    found = bca(drawn, 0.0, np.array([-1.0, 0.0, 1.0]))

    assert found == pytest.approx((-0.95, 0.95), abs=2e-3)


def test_draws_on_one_side_have_no_bca():
    """Nothing can be corrected from them."""
    assert np.isnan(bca(np.array([1.0, 2.0]), 0.0, np.array([0.1, 0.2]))).all()


def test_a_patient_is_left_out_with_all_bags(experiment):
    """Weights of 0 for one patient equal the rows without it."""
    rows = align({"a": experiment(1, patients=12, bags_each=2, folds=1, repeats=2)})
    weights = 1.0 - np.eye(12)

    found = score_weighted("auroc", rows, weights)[0]

    names = np.unique(rows["a"].patient)
    for place in (0, 7):
        kept = np.flatnonzero(rows["a"].patient != names[place])
        alone = score_weighted("auroc", {"a": rows["a"].take(kept)}, np.ones((11, 1)))
        assert found[place] == pytest.approx(alone[0, 0])


def test_bca_of_methods_holds_the_value_and_stays_inside(experiment):
    """Near an AUROC of 1 too; a constant method has none."""
    methods = {"good": experiment(1, signal=2.5), "fair": experiment(2)}
    drawn = patient_bootstrap("auroc", methods, draws=1000, seed=1)

    found = bca_intervals(drawn, methods)

    for name, (low, high) in found.items():
        assert low <= drawn.estimates[name].value <= high <= 1.0
    flat = {"flat": methods["fair"].__class__(**fields(methods["fair"], score=0.5))}
    still = patient_bootstrap("auroc", flat, draws=50, seed=1)
    assert np.isnan(bca_intervals(still, flat)["flat"]).all()


def fields(rows, *, score):
    names = ("bag", "patient", "label", "repeat", "fold", "seed", "threshold", "classes")
    return {name: getattr(rows, name) for name in names} | {"score": np.full((len(rows), 2), score)}


def test_one_pair_needs_no_correction(experiment):
    """The family of one: p close to that of the pair alone."""
    methods = {"a": experiment(1, patients=80), "b": experiment(2, patients=80, signal=1.2)}
    drawn = patient_bootstrap("auroc", methods, draws=2000, seed=1)

    (found,) = simultaneous(drawn)

    alone = drawn.paired("a", "b")
    assert found.p == pytest.approx(alone.p, abs=0.03)
    assert found.low == pytest.approx(alone.low, abs=0.02)


def test_more_pairs_widen_and_correlation_helps(experiment):
    """Wider than one pair's, narrower than Bonferroni's."""
    methods = {name: experiment(i, patients=80) for i, name in enumerate("abcd")}
    drawn = patient_bootstrap("auroc", methods, draws=4000, seed=1)

    found = simultaneous(drawn)

    widths = [(pair.high - pair.low) / 2 / drawn.standard_error(pair.a, pair.b) for pair in found]
    assert len(found) == 6
    assert widths == pytest.approx([widths[0]] * 6)
    assert 1.96 < widths[0] < stats.norm.ppf(1 - 0.025 / 6) + 0.05
    for pair in found:
        assert pair.p >= drawn.paired(pair.a, pair.b).p - 0.03


def test_equal_methods_have_no_simultaneous_interval(experiment):
    """Nothing varies: NaN, and the other pairs stand."""
    rows = experiment(1)
    drawn = patient_bootstrap(
        "auroc", {"a": rows, "b": rows, "c": experiment(2)}, draws=100, seed=1
    )

    first, second, _ = simultaneous(drawn)

    assert np.isnan([first.low, first.p]).all()
    assert np.isfinite([second.low, second.p]).all()
    alone = patient_bootstrap("auroc", {"a": rows, "b": rows}, draws=20, seed=1)
    assert np.isnan(simultaneous(alone)[0].p)
