"""Tests over patients and cohorts against R packages, baycomp, metafor and full enumeration."""

from itertools import combinations

import numpy as np
import pytest

from milbench.metrics import Predictions
from milbench.metrics.catalogue import value_of
from milbench.metrics.rows import Rows
from milbench.stats.bayes import bayesian_signed_rank, correlated_posterior
from milbench.stats.bca import bca
from milbench.stats.corrected_t import corrected_ttest
from milbench.stats.delong import hold_out_auc
from milbench.stats.equivalence import tost
from milbench.stats.false_discovery import benjamini_hochberg
from milbench.stats.friedman import friedman
from milbench.stats.holm import holm
from milbench.stats.influence import closed_form, cross_validated_auc
from milbench.stats.letters import compact_letters
from milbench.stats.mcnemar import mcnemar
from milbench.stats.nemenyi import critical_difference, nemenyi, quantile
from milbench.stats.pairing import align
from milbench.stats.random_effects import random_effects
from milbench.stats.ranks import borda, mean_rank_intervals, tally, win_rates
from milbench.stats.sign_flip import rank_swap, sign_flip
from milbench.stats.signed_rank import fewest_cohorts, signed_rank, smallest_p
from milbench.stats.units import mean_of, unit_bootstrap

pytestmark = pytest.mark.data

TABLES = ["datasets_by_methods", "datasets_by_methods_ties"]
DESIGNS = ["1x5", "1x10", "3x5", "10x10"]


def t_of(given):
    differences = np.subtract(given["a"], given["b"]).reshape(given["repeats"], given["k"])
    return corrected_ttest(differences, test_share=1 / (given["k"] - 1))


def rows_of(given, method):
    """Return the rows of a method of a case with folds, a list of runs or one."""
    bags, runs = len(given["y"]), given.get("runs", [given])
    score = np.concatenate([run[method] for run in runs])
    return Predictions(
        bag=[f"b{i:03d}" for i in range(bags)] * len(runs),
        patient=given.get("patient", [f"b{i:03d}" for i in range(bags)]) * len(runs),
        label=given["y"] * len(runs),
        score=np.column_stack([1.0 - score, score]),
        repeat=np.repeat(np.arange(len(runs)), bags),
        fold=np.concatenate([run["fold"] for run in runs]),
        seed=[0] * bags * len(runs),
        threshold=[0.5] * bags * len(runs),
        classes=("negative", "positive"),
    )


@pytest.mark.parametrize("design", DESIGNS)
def test_posterior_of_the_corrected_t(reference, design):
    """Cases ``corrected_t.folds_*``: baycomp's two_on_single."""
    given, expected = reference(f"corrected_t.folds_{design}")

    found = correlated_posterior(t_of(given), rope=0.01)

    wanted = expected["rope01"]
    assert found == pytest.approx(
        (wanted["p_a_better"], wanted["p_rope"], wanted["p_b_better"]), abs=1e-8
    )
    whole = correlated_posterior(t_of(given), rope=0.0)
    assert whole.first_better == pytest.approx(expected["posterior_a_gt_b"], abs=1e-8)


@pytest.mark.parametrize("design", DESIGNS)
def test_equivalence(reference, design):
    """Cases ``corrected_t.folds_*``: both one-sided p and the 90 % interval by R's pt."""
    given, expected = reference(f"corrected_t.folds_{design}")
    wanted = expected["tost_margin_0.02"]

    found = tost(t_of(given), wanted["margin"])

    assert (found.p_lower, found.p_upper, found.p) == pytest.approx(
        (wanted["p_lower"], wanted["p_upper"], wanted["p_tost"]), abs=1e-8
    )
    assert (found.low, found.high) == pytest.approx(tuple(wanted["ci90"]), abs=1e-8)


def test_delong(reference):
    """Case ``delong.binary`` to 1e-10: pROC, with ties."""
    given, expected = reference("delong.binary")
    names = tuple(given["scores"])

    found = hold_out_auc(names, given["y"], [given["scores"][name] for name in names])

    assert found.auc == pytest.approx([expected["auc"][name] for name in names], abs=1e-10)
    assert found.covariance.diagonal() == pytest.approx(
        [expected["var"][name] for name in names], abs=1e-10
    )
    for name in names:
        low, _, high = expected["ci95"][name]
        assert found.interval(name, scale="plain")[:2] == pytest.approx((low, high), abs=1e-10)
    for a, b in combinations(names, 2):
        pair, wanted = found.paired(a, b), expected[f"test_{a}{b}"]
        assert (pair.z, pair.p) == pytest.approx((wanted["z"], wanted["p"]), abs=1e-10)
        assert (pair.low, pair.high) == pytest.approx(tuple(wanted["ci95_diff"]), abs=1e-10)


def test_obuchowski(reference):
    """Case ``clustered_auc`` to 1e-9: patients with several slides, some of both classes."""
    given, expected = reference("clustered_auc")

    found = hold_out_auc("AB", given["y"], [given["A"], given["B"]], given["patient"])

    variances = [expected["obuchowski_var_A"], expected["obuchowski_var_B"]]
    assert found.covariance.diagonal() == pytest.approx(variances, abs=1e-9)
    assert found.covariance[0, 1] == pytest.approx(expected["obuchowski_cov_AB"], abs=1e-9)
    pair = found.paired("A", "B")
    assert (pair.z, pair.p) == pytest.approx((expected["z"], expected["p"]), abs=1e-9)
    plain = hold_out_auc("AB", given["y"], [given["A"], given["B"]]).covariance[0, 0]
    assert plain == pytest.approx(expected["naive_delong_var_A_ignoring_patients"], abs=1e-9)


def test_mcnemar(reference):
    """Case ``mcnemar`` to 1e-10: R's binom.test on the bags decided differently."""
    given, expected = reference("mcnemar")
    label = np.array(given["y"])
    right = [(np.array(given["scores"][name]) >= 0.5) == label for name in "AB"]

    found = mcnemar(*right)

    assert [[found.both, found.first], [found.second, found.neither]] == expected["table"]
    assert (found.p, found.p_mid) == pytest.approx(
        (expected["p_exact"], expected["p_mid"]), abs=1e-10
    )


def test_rank_swap(reference):
    """Case ``auc_rank_swap_permutation``: all 4096 exchanges, enumerated in R."""
    given, expected = reference("auc_rank_swap_permutation")
    a, b = (np.array(given["scores"][name])[:12] for name in "AB")

    found = rank_swap(expected["y"], a, b)

    assert found.is_exact
    assert found.difference == pytest.approx(expected["diff"], abs=1e-10)
    assert found.p == pytest.approx(expected["p_exact"], abs=1e-10)


def test_signs_of_nine_differences(reference):
    """Case ``signflip``: p of both tests by R's enumeration.

    The case's median and upper limit, 0.022 and 0.044, are exactRankTests's, which evaluates the
    statistic at tied pair means; the 23rd and the 40th of the 45 pair means, by the definition
    that R's own wilcox.test has, are 0.0235 and 0.045.
    """
    given, expected = reference("signflip")

    found = signed_rank(given["d"])

    assert sign_flip(given["d"]).p == pytest.approx(expected["signflip_p_two_sided"], abs=1e-10)
    assert found.statistic == expected["wilcoxon"]["V"]
    assert found.p == pytest.approx(expected["wilcoxon"]["p"], abs=1e-10)
    assert found.low == pytest.approx(expected["wilcoxon"]["ci95"][0], abs=1e-10)
    assert (found.median, found.high) == pytest.approx((0.0235, 0.045), abs=1e-10)


def test_intervals_of_a_mean(reference):
    """Case ``signflip``: percentile and BCa by R's boot and scipy, within 0.0015."""
    given, expected = reference("signflip")
    values, wanted = np.array(given["d"]), expected["bootstrap_mean_ci95_B200000"]

    found = unit_bootstrap({"m": mean_of(values)}, np.arange(9), draws=50_000, seed=1)

    assert found.interval("m") == pytest.approx(tuple(wanted["perc"]), abs=0.0015)
    left_out = (values.sum() - values) / 8
    limits = bca(found.draws[0], values.mean(), left_out)
    assert limits == pytest.approx(tuple(wanted["bca"]), abs=0.0015)
    spread = expected["bootstrap_mean_exact_sd"]
    assert found.values[0] == pytest.approx(spread["mean"], abs=1e-12)
    exact = spread["exact_bootstrap_sd_of_mean"]
    assert found.draws[0].std() == pytest.approx(exact, rel=0.01)


def test_interval_over_draws_of_cohorts(reference):
    """Case ``signflip``, as two methods: the mean rank of the first is 2 less its share of wins."""
    given, _ = reference("signflip")
    won = np.array(given["d"]) > 0

    found = mean_rank_intervals(np.column_stack([won, ~won]).astype(float), draws=20_000, seed=1)

    # 7 of 9 cohorts won: binomial(9, 7/9) / 9, whose 2.5 % and 97.5 % quantiles are 4/9 and 1.
    assert found[0] == pytest.approx([2 - 9 / 9, 2 - 4 / 9], abs=1e-12)


@pytest.mark.parametrize("case", TABLES)
def test_friedman(reference, case):
    """Cases ``friedman.*`` to 1e-8: R, scipy and scikit-posthocs; Nemenyi's p to 0.002."""
    given, expected = reference(f"friedman.{case}")

    found = friedman(np.array(given["scores"]))

    assert found.mean_ranks == pytest.approx(expected["mean_ranks"], abs=1e-8)
    wanted = [expected[name] for name in ("chi2", "p", "FF", "FF_p", "kendall_w")]
    assert (found.chi2, found.p, found.f, found.f_p, found.kendall_w) == pytest.approx(wanted)
    cohorts, methods = np.shape(given["scores"])
    for alpha, name in ((0.05, "cd05"), (0.10, "cd10")):
        distance = critical_difference(methods, cohorts, alpha=alpha)
        assert distance == pytest.approx(expected[name], abs=1e-4)
    assert nemenyi(np.array(found.mean_ranks), cohorts) == pytest.approx(
        np.array(expected["nemenyi_p"]), abs=0.002
    )


@pytest.mark.parametrize("case", TABLES)
def test_signed_rank_and_holm(reference, case):
    """Cases ``wilcoxon_holm.*`` to 1e-10: exactRankTests and full enumeration."""
    given, expected = reference(f"wilcoxon_holm.{case}")
    scores = dict(zip(given["methods"], np.transpose(given["scores"]), strict=True))
    found, pairs = [], expected["pairs"]

    for name, wanted in pairs.items():
        a, b = name.split("_")
        test = signed_rank(scores[a] - scores[b])
        found.append(test.p)
        assert (test.statistic, test.rank_biserial) == pytest.approx(
            (wanted["V"], wanted["rank_biserial"]), abs=1e-10
        )
        assert (test.p, test.median) == pytest.approx(
            (wanted["p_exact"], wanted["hodges_lehmann"]), abs=1e-10
        )
        counts = tally(scores[a] - scores[b], rope=0.0)
        assert counts == (wanted["wins"], wanted["ties"], wanted["losses"])

    assert holm(found) == pytest.approx([pair["p_holm"] for pair in pairs.values()], abs=1e-10)


@pytest.mark.parametrize("case", TABLES)
def test_points_and_wins(reference, case):
    """Cases ``ranks.*``: Borda points as MTEB counts them, win rates as bencheval does."""
    given, expected = reference(f"ranks.{case}")
    scores = np.array(given["scores"])

    rates = win_rates(scores)

    wanted = np.array(expected["winrate"]["matrix"], dtype=float)
    assert borda(scores) == pytest.approx(expected["borda"]["points"], abs=1e-12)
    np.testing.assert_allclose(rates, wanted, atol=1e-12)
    assert np.nanmean(rates, axis=1) == pytest.approx(expected["winrate"]["mean"], abs=1e-12)


def test_bayesian_signed_rank(reference):
    """Case ``bayes_signed_rank`` to 0.01: baycomp and 400,000 draws of another sampler."""
    given, expected = reference("bayes_signed_rank")
    scores = np.array(given["scores"])

    for name, wanted in expected["values"].items():
        first, second = (int(method[1]) - 1 for method in name.split("_"))
        found = bayesian_signed_rank(scores[:, first] - scores[:, second], 0.01, seed=1)
        assert found == pytest.approx(
            (wanted["p_first_better"], wanted["p_rope"], wanted["p_second_better"]), abs=0.01
        )


def test_false_discovery_rate(reference):
    """Case ``padjust``: R's p.adjust(method = "BH")."""
    given, expected = reference("padjust")

    assert benjamini_hochberg(given["p"]) == pytest.approx(expected["BH"], abs=1e-12)


def test_random_effects(reference):
    """Case ``meta`` to 1e-5: metafor by DerSimonian and Laird, Hartung and Knapp."""
    given, expected = reference("meta")
    names = [f"cohort{i}" for i in range(len(given["diff"]))]

    found = random_effects(names, given["diff"], given["se"], may_narrow=True)

    wanted, plain = expected["DL_hksj"], expected["DL_z"]
    assert (found.mean, found.se, found.p) == pytest.approx(
        (wanted["est"], wanted["se"], wanted["p"]), abs=1e-5
    )
    assert (found.low, found.high) == pytest.approx(tuple(wanted["ci"]), abs=1e-5)
    assert (found.tau2, found.i2) == pytest.approx((plain["tau2"], plain["I2"]), abs=1e-5)
    assert (found.q, found.q_p) == pytest.approx((plain["Q"], plain["Qp"]), abs=1e-5)
    kept = random_effects(names, given["diff"], given["se"])
    assert kept.se == pytest.approx(plain["se"], abs=1e-5)  # the factor, 0.986, counts as 1


def test_leDell(reference):  # noqa: N802  # a name
    """Case ``cvauc`` to 1e-9: cvAUC 1.1.4, one method and a difference."""
    given, expected = reference("cvauc")
    a, b = (align({name: rows_of(given, name)})[name] for name in "AB")

    for rows, wanted in ((a, expected["per_method"]["A"]), (b, expected["per_method"]["B"])):
        found = cross_validated_auc(rows)
        assert found == pytest.approx((wanted["cvauc"], wanted["se"]), abs=1e-9)
    pair, wanted = cross_validated_auc(a, b), expected["paired_difference_A_minus_B"]
    assert pair == pytest.approx((wanted["diff"], wanted["se"]), abs=1e-9)


def test_closed_form(reference):
    """Case ``repeated_cv.patient_level`` to 1e-10: both parts of the variance, and both p."""
    given, expected = reference("repeated_cv.patient_level")
    methods = align({name: rows_of(given, name) for name in "AB"})

    found = closed_form(methods["A"], methods["B"])

    names = ("delta", "var_patient_ic", "var_repeat", "se", "z", "p_normal", "p_t")
    assert found == pytest.approx([expected[name] for name in names], abs=1e-10)


@pytest.mark.parametrize("case", ["cld.pmatrix", "cld.pmatrix_nonnested"])
def test_letters(reference, case):
    """Cases ``cld.*``: the groups of multcompView, whatever the letters are called."""
    given, expected = reference(case)
    differs = np.array(given["p"]) < given["alpha"]

    found = compact_letters(given["names"], differs)

    assert groups(found) == groups(expected["multcompView"])
    for (i, a), (j, b) in combinations(enumerate(given["names"]), 2):
        assert bool(set(found[a]) & set(found[b])) == (not differs[i, j])


def groups(letters):
    """Return the set of methods behind each letter."""
    every = set("".join(letters.values()))
    return {frozenset(name for name, own in letters.items() if one in own) for one in every}


def test_tables(values):
    """Quantiles, the smallest p and the fewest cohorts of section 1.5, for all listed sizes."""
    tables = values["tables"]

    for size, p in tables["wilcoxon_min_two_sided_p_by_N"].items():
        assert smallest_p(int(size)) == p
    for methods, wanted in tables["min_N_datasets_for_wilcoxon_holm"].items():
        assert fewest_cohorts(int(methods)) == wanted["all_pairs"]
        assert fewest_cohorts(int(methods), versus_control=True) == wanted["vs_control"]
    for methods in (2, 5, 9, 20):
        wanted = tables["nemenyi_q_0.05_k2..20"][methods - 2]
        assert quantile(methods) == pytest.approx(wanted, abs=1e-4)


def test_examples_of_papers(values):
    """Demsar 2006, table 6 (ties corrected), and the ovarian data of DeLong 1988 by pROC."""
    cases = {case["id"]: case for case in values["literature"]}
    demsar = cases["demsar2006.table6"]
    scores = np.array(demsar["input"]["scores_as_printed"], dtype=float)

    found = friedman(scores)

    printed = demsar["expected"]["as_printed_no_tie_break"]
    assert found.mean_ranks == pytest.approx(printed["mean_ranks"], abs=1e-5)
    assert found.chi2 == pytest.approx(printed["chi2_tie_corrected"], abs=1e-5)
    assert found.p == pytest.approx(printed["p_tie_corrected"], abs=1e-5)
    pair = demsar["expected"]["wilcoxon_C4.5_vs_C4.5+m"]
    assert signed_rank(scores[:, 1] - scores[:, 0]).p == pair["p_exact_zeros_dropped"]

    ovarian = cases["delong1988.ovarian"]
    records, wanted = ovarian["input"]["records"], ovarian["expected"]
    names = tuple(wanted["auc"])
    auc = hold_out_auc(
        names, [r["popind"] for r in records], [[r[name] for r in records] for name in names]
    )
    assert auc.auc == pytest.approx(list(wanted["auc"].values()), abs=1e-9)
    assert np.sqrt(auc.covariance.diagonal()) == pytest.approx(list(wanted["se"].values()))
    for name, expected in wanted["pairs"].items():
        assert auc.paired(*name.split("-")).p == pytest.approx(expected["p"], abs=1e-9)


@pytest.mark.parametrize("method", ["A", "B"])
def test_variance_of_each_class(reference, method):
    """Case ``multiclass``: pROC's variance of each class against the rest."""
    given, expected = reference("multiclass")
    label, score = np.array(given["y"]), np.array(given["probs"][method])

    found = [
        hold_out_auc(["m"], label == number, [score[:, number]]).covariance[0, 0]
        for number in range(given["n_classes"])
    ]

    assert found == pytest.approx(expected["auc"]["ovr_var_per_class"][method], abs=1e-9)


@pytest.mark.parametrize("method", ["A", "B"])
def test_error_of_quadratic_kappa(reference, method):
    """Case ``ordinal.qwk``: the bootstrap's error is near Fleiss's asymptotic one of R's vcd."""
    given, expected = reference("ordinal.qwk")
    score, bags = np.eye(given["n_classes"])[given["pred"][method]], len(given["y"])
    rows = Rows(np.array(given["y"]), score, np.array(given["pred"][method]))

    found = unit_bootstrap(
        {"m": lambda weights: value_of("quadratic-kappa", rows, weights)},
        np.arange(bags),
        draws=4000,
        seed=1,
    )

    assert found.values[0] == pytest.approx(expected[method]["qwk"], abs=1e-8)
    assert found.draws.std() == pytest.approx(expected[method]["qwk_ase_fleiss"], rel=0.15)
