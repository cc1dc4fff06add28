"""The edge cases of the reference values, each by its name, and that no case is left out."""

import math
import warnings
from pathlib import Path

import numpy as np
import pytest
from scipy.special import stdtrit

from milbench.bags import BagTable
from milbench.errors import ScoreError, SplitError, StatisticsError
from milbench.metrics import Predictions
from milbench.metrics.catalogue import evaluate
from milbench.splits import Splits
from milbench.splits.check import check_splits
from milbench.stats.bayes import correlated_posterior
from milbench.stats.cohorts import over_cohorts
from milbench.stats.corrected_t import corrected_ttest
from milbench.stats.delong import hold_out_auc
from milbench.stats.friedman import friedman
from milbench.stats.hold_out import hold_out
from milbench.stats.holm import holm
from milbench.stats.nemenyi import quantile
from milbench.stats.pairing import align
from milbench.stats.question import Question
from milbench.stats.signed_rank import signed_rank

HERE = Path(__file__).parent

# Cases and tables that nothing here computes, and why.
LEFT_OUT = {
    "bradley_terry.datasets_by_methods": "the protocol leaves Elo and Bradley-Terry out (2.1)",
    "bonferroni_dunn_0.05_k2..20": "Holm is used for comparisons with a control (1.4)",
    "note_bonferroni_dunn": "a remark",
    "proc.aSAH": "its input is not given",
}
# Families that a parametrised test goes through by the end of the name.
FAMILIES = ("corrected_t.folds_", "friedman.", "wilcoxon_holm.", "ranks.")


def evidence(p, *, bag=("a", "b", "c", "d"), seed=(0, 0, 0, 0), fold=(0, 0, 0, 0)):
    """Return the predictions of four bags, two of each class, one a patient."""
    return Predictions(
        bag=bag, patient=bag, label=[0, 0, 1, 1], score=[[1 - x, x] for x in p],
        repeat=[0] * 4, fold=fold, seed=seed, threshold=[0.5] * 4, classes=("n", "y"),
    )  # fmt: skip


def wilcoxon_n5():
    found = signed_rank([0.1, 0.2, 0.3, 0.4, 0.5])
    assert found.p == 0.0625
    assert "MIN_P_UNREACHABLE" in found.codes


def wilcoxon_all_zero():
    found = signed_rank([0.0] * 6)
    assert (found.p, found.median, found.rank_biserial) == (1.0, 0.0, 0.0)


def wilcoxon_float_noise():
    pairs = ((0.81, 0.80), (0.85, 0.84), (0.3, 0.29), (0.11, 0.1), (0.02, 0.01), (0.06, 0.05))
    gaps = [a - b for a, b in pairs]
    assert len(set(gaps)) > 1
    assert signed_rank(gaps).p == 0.03125


def t_zero_variance_nonzero_mean():
    found = corrected_ttest(np.full((1, 5), 0.01), test_share=0.25)
    assert math.isnan(found.p)
    assert "DEGENERATE_VARIANCE" in found.codes


def t_zero_variance_zero_mean():
    found = corrected_ttest(np.zeros((1, 5)), test_share=0.25)
    assert (found.t, found.p, correlated_posterior(found, 0.01).equal) == (0.0, 1.0, 1.0)


def auc_one_class():
    found = evaluate("auroc", [1, 1], [[0.1, 0.9], [0.3, 0.7]])
    assert math.isnan(found.value)
    assert "FOLD_MISSING_CLASS" in found.codes


def auc_constant():
    assert evaluate("auroc", [0, 1, 1], [[0.5, 0.5]] * 3).value == 0.5


def auc_nan_score():
    with pytest.raises(ScoreError, match="bags 'b'"):
        evidence([0.1, math.nan, 0.8, 0.9])


def auc_multiclass_float32():
    label = np.arange(30) % 3
    exact = np.random.default_rng(0).dirichlet([1, 1, 1], size=30)
    rough = (exact * (1 + 1e-5)).astype(np.float32)
    found, expected = (evaluate("auroc", label, p).value for p in (rough, exact))
    assert found == pytest.approx(expected, abs=1e-6)


def auc_ovr_missing_class():
    found = evaluate("auroc", [0, 1, 0, 1], [[0.6, 0.3, 0.1], [0.2, 0.7, 0.1]] * 2)
    assert math.isnan(found.value)
    assert "FOLD_MISSING_CLASS" in found.codes
    assert [math.isnan(value) for value in found.per_class] == [False, False, True]


def ap_no_positive():
    assert math.isnan(evaluate("average-precision", [0, 0], [[0.9, 0.1], [0.2, 0.8]]).value)


def f1_macro_absent_class():
    found = evaluate("f1", [0, 1], [[0.8, 0.1, 0.1], [0.1, 0.8, 0.1]])
    assert found.value == 1.0
    assert found.support == (1, 1, 0)


def qwk_absent_grade():
    # Grades 0, 1 and 3 of four, by the definition: 1 - observed over expected squared distance.
    truth, decided = np.array([0, 0, 1, 3]), np.array([0, 1, 1, 1])
    expected = ((truth[:, None] - decided) ** 2).mean()
    found = evaluate("quadratic-kappa", truth, np.eye(4)[decided]).value
    assert found == pytest.approx(1 - ((truth - decided) ** 2).mean() / expected)


def qwk_constant():
    found = evaluate("quadratic-kappa", [1, 1], np.eye(3)[[1, 1]])
    assert math.isnan(found.value)
    assert "DEGENERATE_VARIANCE" in found.codes


def delong_perfect():
    scores = [[0.1, 0.2, 0.3, 0.7, 0.8, 0.9], [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]]
    found = hold_out_auc(("a", "b"), [0, 0, 0, 1, 1, 1], scores)
    assert np.diag(found.covariance).tolist() == [0.0, 0.0]
    assert found.interval("a").low < 1.0


def delong_identical_scores():
    scores = [[0.1, 0.6, 0.3, 0.5, 0.8, 0.2]] * 2
    found = hold_out_auc(("a", "b"), [0, 0, 0, 1, 1, 1], scores).paired("a", "b")
    assert (found.difference, found.p) == (0.0, 1.0)


def friedman_k2():
    with pytest.raises(StatisticsError, match="for two methods use the signed-rank test"):
        friedman(np.array([[0.1, 0.2], [0.3, 0.1], [0.2, 0.4]]))


def holm_nan():
    assert np.array_equal(holm([0.02, math.nan, 0.01]), [0.02, math.nan, 0.02], equal_nan=True)


def cv_unpaired():
    others = evidence([0.1, 0.2, 0.8, 0.9], bag=("a", "b", "c", "z"))
    with pytest.raises(StatisticsError, match=r"UNPAIRED_SPLITS.*'[dz]'"):
        align({"one": evidence([0.1, 0.2, 0.8, 0.9]), "other": others})


def cv_patient_overlap():
    table = BagTable(
        ids=("a", "b", "c", "d"), labels=np.array([0, 1, 0, 1]), patients=("p", "q", "p", "r"),
        sizes=np.ones(4, dtype=np.int64), sites=("",) * 4, parts=("",) * 4, classes=("n", "y"),
    )  # fmt: skip
    splits = Splits(table.ids, table.patients, np.array([[[0, 0, 2, 2]]], dtype=np.int8))
    with pytest.raises(SplitError, match="PATIENT_LEAK: patient 'p'"):
        check_splits(splits, table, "d")


def seeds_only():
    both = {
        name: Predictions(
            bag=["a", "b"] * 2, patient=["a", "b"] * 2, label=[0, 1] * 2,
            score=[[0.9, 0.1], [0.2, 0.8]] * 2, repeat=[0] * 4, fold=[0] * 4, seed=[0, 0, 1, 1],
            threshold=[0.5] * 4, classes=("n", "y"),
        )
        for name in ("one", "other")
    }  # fmt: skip
    with pytest.raises(StatisticsError, match="SEED_ONLY_REPLICATION"):
        hold_out(both)


def datasets_shared_patients():
    values = np.array([[0.9, 0.8], [0.7, 0.8], [0.6, 0.5]])
    found = over_cohorts(("a", "b"), ("brca", "brca", "lung"), values, Question(draws=200))
    assert found.cohorts == ("brca", "lung")
    assert "SHARED_COHORT" in found.codes
    # The mean over the two tasks of one cohort is a tie.
    assert found.pairs[0].test.nonzero == 1


def missing_cell():
    values = np.array([[0.9, 0.8, math.nan], [0.7, 0.8, 0.9]])
    found = over_cohorts(("a", "b", "c"), ("x", "y"), values, Question(draws=200))
    assert found.names == ("a", "b")
    assert "INCOMPLETE_GRID" in found.codes


def edge_of(name):
    return globals()[name.replace(".", "_")]


EDGES = (
    "wilcoxon.n5", "wilcoxon.all_zero", "wilcoxon.float_noise", "t.zero_variance_nonzero_mean",
    "t.zero_variance_zero_mean", "auc.one_class", "auc.constant", "auc.nan_score",
    "auc.multiclass_float32", "auc.ovr_missing_class", "ap.no_positive", "f1_macro.absent_class",
    "qwk.absent_grade", "qwk.constant", "delong.perfect", "delong.identical_scores", "friedman.k2",
    "holm.nan", "cv.unpaired", "cv.patient_overlap", "seeds_only", "datasets.shared_patients",
    "missing_cell",
)  # fmt: skip


@pytest.mark.parametrize("name", EDGES)
def test_edge_case(name):
    """What STATISTICS 4.1 and the reference values want, without a warning of a library."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        edge_of(name)()


@pytest.mark.data
def test_every_edge_case_of_the_document_is_here(values):
    """A new one is missed."""
    assert sorted(case["id"] for case in values["edge_cases"]) == sorted(EDGES)


@pytest.mark.data
def test_every_case_and_table_is_exercised(values):
    """Each is named by a test of this folder, or it is said why not."""
    text = "".join(path.read_text(encoding="utf-8") for path in HERE.glob("test_*.py"))
    names = [case["id"] for kind in ("cases", "literature") for case in values[kind]]
    for name in (*names, *values["tables"]):
        family = next((f for f in FAMILIES if name.startswith(f)), None)
        last = name.removeprefix(family) if family else name
        assert f'"{last}"' in text or name in LEFT_OUT, name


@pytest.mark.data
def test_further_tables(values):
    """Nemenyi's quantiles at 0.10, and how large a mean T must see: t(.975, m - 1) of its SE."""
    tables = values["tables"]
    wanted = tables["nemenyi_q_0.10_k2..20"]
    found = [quantile(methods, alpha=0.10) for methods in range(2, 21)]
    assert found == pytest.approx(wanted, abs=1e-4)

    for design, ratio in tables["corrected_t_critical_ratio |mean|/sd for p<0.05"].items():
        repeats, folds = map(int, design.split("x"))
        values_ = np.random.default_rng(0).normal(size=(repeats, folds))
        test = corrected_ttest(values_, test_share=1 / (folds - 1))
        assert test.minimum_detectable / values_.std(ddof=1) == pytest.approx(ratio, abs=1e-4)
        m = repeats * folds
        by_hand = stdtrit(m - 1, 0.975) * math.sqrt(1 / m + 1 / (folds - 1))
        assert ratio == pytest.approx(by_hand, abs=1e-4)
