"""Methods over cohorts: the signed-rank test, its summary, and what is refused."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from milbench.errors import StatisticsError
from milbench.stats.bayes import bayesian_signed_rank
from milbench.stats.cohorts import over_cohorts as compare
from milbench.stats.friedman import friedman
from milbench.stats.letters import compact_letters
from milbench.stats.question import Question
from milbench.stats.random_effects import random_effects
from milbench.stats.ranks import mean_rank_intervals, tally, win_rates
from milbench.stats.signed_rank import signed_rank

# Signed ranks


def test_five_cohorts_cannot_be_significant():
    """All five positive: p 0.0625, with the code."""
    found = signed_rank([0.1, 0.2, 0.3, 0.4, 0.5])

    assert found.p == 0.0625
    assert found.codes == {"MIN_P_UNREACHABLE"}
    assert np.isnan(found.low)


def test_no_difference_anywhere_has_p_one():
    """Effect 0, and nothing is warned of."""
    found = signed_rank(np.zeros(7))

    assert (found.p, found.rank_biserial, found.median) == (1.0, 0.0, 0.0)
    assert (found.low, found.high) == (0.0, 0.0)


def test_rounding_noise_does_not_break_ties():
    """Six times 0.01 but for the last bit: six ties, 2 / 2**6."""
    a, b = np.array([0.81, 0.85, 0.91, 0.77, 0.62, 0.55]), np.arange(6) * 0.0
    b[:] = [0.80, 0.84, 0.90, 0.76, 0.61, 0.54]

    found = signed_rank(a - b)

    assert found.p == pytest.approx(0.03125, abs=1e-15)
    assert (found.low, found.high) == pytest.approx((0.01, 0.01))


@given(st.lists(st.integers(-6, 6), min_size=1, max_size=9))
@settings(max_examples=40)
def test_p_is_that_of_all_signs(values):
    """Ties and zeros: enumeration of every sign of the ranks."""
    moving = np.array([v for v in values if v])
    ranks = stats.rankdata(np.abs(moving)) if moving.size else np.zeros(0)
    sums = [np.dot(signs, ranks) for signs in product((-1, 1), repeat=len(ranks))]
    observed = abs(np.dot(np.sign(moving), ranks))
    expected = np.mean(np.abs(sums) >= observed - 1e-9)

    assert signed_rank(np.array(values) / 10).p == pytest.approx(expected, abs=1e-12)


def test_forty_cohorts_agree_with_scipy():
    """Exact without ties, far beyond what can be enumerated."""
    values = np.random.default_rng(1).normal(loc=0.3, size=40)

    expected = stats.wilcoxon(values, method="exact").pvalue

    assert signed_rank(values).p == pytest.approx(expected, rel=1e-9)


def test_the_interval_is_where_the_test_does_not_reject():
    """Without ties: inside its ends p is 0.05 or more, outside less."""
    values = np.random.default_rng(2).normal(size=12)
    found = signed_rank(values)

    for inside, outside in ((found.low + 1e-6, found.low - 1e-6),
                            (found.high - 1e-6, found.high + 1e-6)):  # fmt: skip
        assert signed_rank(values - inside).p >= 0.05 > signed_rank(values - outside).p


def test_a_missing_difference_is_refused():
    """No cohort is dropped silently."""
    with pytest.raises(StatisticsError, match="one finite difference a cohort"):
        signed_rank([0.1, np.nan])


# Friedman


@given(st.integers(0, 500))
@settings(max_examples=25)
def test_friedman_agrees_with_scipy(seed):
    """Few distinct values, so that many tie."""
    table = np.random.default_rng(seed).integers(0, 5, size=(6, 4)).astype(float)
    if len(set(table[0])) == 1:
        table[0, 0] += 1

    found = friedman(table)

    expected = stats.friedmanchisquare(*table.T)
    assert (found.chi2, found.p) == pytest.approx((expected.statistic, expected.pvalue))


def test_two_methods_are_sent_to_the_signed_rank_test():
    """As the protocol asks."""
    with pytest.raises(StatisticsError, match="for two methods use the signed-rank test"):
        friedman(np.ones((6, 2)))
    with pytest.raises(StatisticsError, match="INCOMPLETE_GRID"):
        friedman(np.array([[1, 2, np.nan], [1, 2, 3]]))


def test_cohorts_that_agree_entirely():
    """The F form is infinite; p is (1/3!)**3 by counting. All ties: nothing to say."""
    found = friedman(np.tile([3.0, 2.0, 1.0], (4, 1)))
    assert (found.f, found.kendall_w) == (np.inf, pytest.approx(1.0))
    assert found.f_p == pytest.approx(1 / 6**3)
    assert friedman(np.ones((4, 3))).codes == {"DEGENERATE_VARIANCE"}


# Random effects


def test_two_cohorts_have_no_mean():
    """Each stands for itself."""
    found = random_effects(["a", "b"], [0.1, 0.2], [0.01, 0.02])

    assert np.isnan([found.mean, found.p, found.next_low]).all()
    assert [one.name for one in found.studies] == ["a", "b"]


def test_variance_between_cohorts_is_never_negative():
    """Differences closer than their errors: 0, and the plain error, not a smaller one."""
    found = random_effects("abc", [0.10, 0.101, 0.099], [0.05, 0.05, 0.05])

    assert (found.tau2, found.i2) == (0.0, 0.0)
    assert found.se == pytest.approx(0.05 / np.sqrt(3))
    assert [study.weight for study in found.studies] == pytest.approx([1 / 3] * 3)


def test_a_prediction_interval_is_wider():
    """A further cohort scatters by more than the mean does."""
    found = random_effects("abcd", [0.0, 0.1, 0.2, 0.3], [0.01] * 4)

    assert found.next_low < found.low < found.mean < found.high < found.next_high


@pytest.mark.parametrize("errors", [[0.1, 0.0], [0.1, np.nan], [0.1]])
def test_errors_must_be_positive(errors):
    """A cohort where nothing varies has no weight."""
    with pytest.raises(StatisticsError, match="error"):
        random_effects("ab", [0.1, 0.2], errors)


# Probabilities


def test_clear_wins_are_clear():
    """Ten cohorts far beyond the ROPE, or all inside it."""
    assert bayesian_signed_rank([0.1] * 10, 0.01, seed=1) == (1.0, 0.0, 0.0)
    assert bayesian_signed_rank([0.001] * 10, 0.01, seed=1) == (0.0, 1.0, 0.0)


def test_probabilities_mirror_with_the_methods():
    """Same draws, other sign."""
    values = np.array([0.05, -0.03, 0.02, 0.04, -0.01, 0.03])

    found, mirrored = (bayesian_signed_rank(sign * values, 0.01, seed=2) for sign in (1, -1))

    assert mirrored == pytest.approx((found[2], found[1], found[0]))


# Ranks


def test_ties_within_the_rope():
    """Exactly the ROPE is a tie, whatever the last bit says."""
    assert tally([0.3 - 0.29, 0.02, -0.02, 0.0], 0.01) == (1, 2, 1)


def test_win_rates_skip_what_is_missing():
    """A pair is counted where both are there; a tie is half a win."""
    table = np.array([[0.9, 0.8, np.nan], [0.5, 0.5, 0.1]])

    found = win_rates(table)

    assert found[0, 1] == 0.75
    assert (found[0, 2], found[2, 0]) == (1.0, 0.0)


def test_a_rank_that_never_changes_has_no_spread():
    """Best on every cohort."""
    table = np.array([[3.0, 2.0, 1.0], [3.0, 1.0, 2.0]])

    found = mean_rank_intervals(table, draws=500)

    assert found[0].tolist() == [1.0, 1.0]
    assert found[1].tolist() == [2.0, 3.0]


@given(st.integers(0, 300), st.integers(2, 7))
@settings(max_examples=40)
def test_letters_say_exactly_who_differs(seed, methods):
    """Two methods share a letter if and only if they were not told apart; no letter is spare."""
    differs = np.random.default_rng(seed).random((methods, methods)) < 0.4
    differs = np.triu(differs, 1) | np.triu(differs, 1).T
    names = [f"m{i}" for i in range(methods)]

    letters = compact_letters(names, differs)

    for i, j in product(range(methods), repeat=2):
        if i != j:
            assert bool(set(letters[names[i]]) & set(letters[names[j]])) != differs[i, j]
    groups = [{n for n in names if one in letters[n]} for one in set("".join(letters.values()))]
    assert not any(a < b for a in groups for b in groups)


# All together


def over_cohorts(names, cohorts, values, rope=0.01):
    return compare(names, cohorts, values, Question(rope=rope, draws=2000))


def grid(cohorts, methods=3, seed=3):
    values = np.random.default_rng(seed).random((cohorts, methods)) * 0.1
    return values + np.linspace(0.3, 0.0, methods)  # each method better than the next one


def test_seven_cohorts_rank_three_methods():
    """Every pair differs on all: p 2 / 2**7 times 3, ranks 1, 2, 3 and letters of their own."""
    found = over_cohorts("abc", [f"c{i}" for i in range(7)], grid(7))

    assert [pair.p_holm for pair in found.pairs] == pytest.approx([3 / 64] * 3)
    assert found.rank == ((1, 1), (2, 2), (3, 3))
    assert set(found.letters.values()) == {"a", "b", "c"}
    assert not found.codes


def test_five_cohorts_are_not_tested():
    """No p, whole ranges of ranks, one letter for all."""
    found = over_cohorts("abc", "12345", grid(5))

    assert all(np.isnan(pair.p_holm) and pair.reading is None for pair in found.pairs)
    assert found.rank == ((1, 3),) * 3
    assert found.codes == {"MIN_P_UNREACHABLE"}


def test_six_cohorts_are_too_few_for_three_methods():
    """P 0.03125 is there, times 3 is not below 0.05: the code says so."""
    found = over_cohorts("abc", "123456", grid(6))

    assert found.pairs[0].p_holm == pytest.approx(3 / 32)
    assert found.codes == {"MIN_P_UNREACHABLE"}


def test_data_sets_of_one_cohort_count_once():
    """Eight data sets of four cohorts: their means, and no test."""
    values = grid(8)

    found = over_cohorts("abc", list("aabbccdd"), values)

    assert found.values == pytest.approx((values[::2] + values[1::2]) / 2)
    assert found.codes == {"MIN_P_UNREACHABLE", "SHARED_COHORT"}


def test_an_incomplete_method_is_left_out():
    """Named, and the others are compared among themselves."""
    values = grid(7)
    values[3, 1] = np.nan

    found = over_cohorts("abc", "1234567", values)

    assert (found.names, found.left_out) == (("a", "c"), ("b",))
    assert "INCOMPLETE_GRID" in found.codes
    assert found.omnibus is None


def test_names_and_order_do_not_matter():
    """The p of two methods before Holm is the same, whoever else is there and in which order."""
    values, cohorts = grid(8), [f"c{i}" for i in range(8)]

    both = over_cohorts("ab", cohorts, values[:, :2]).pairs[0]
    more = over_cohorts("cba", cohorts[::-1], values[::-1, ::-1]).pairs[2]

    assert (more.a, more.b) == ("b", "a")
    assert more.test.p == both.test.p
    assert more.test.median == pytest.approx(-both.test.median)


def test_a_wider_rope_makes_ties():
    """Wins count beyond the ROPE of the suite."""
    found = over_cohorts("ab", "1234567", grid(7, 2), rope=1.0)

    assert (found.pairs[0].wins, found.pairs[0].ties) == (0, 7)


@pytest.mark.parametrize("values", [np.ones((2, 3)), np.full((2, 2), np.nan)])
def test_tables_without_a_pair_are_refused(values):
    """Another shape, or nobody complete."""
    with pytest.raises(StatisticsError):
        over_cohorts("ab", "12", values)
