"""The paragraph on statistics: each sentence stands where it is true, and only there."""

from dataclasses import replace

import pytest

from milbench.leaderboard.board import Study
from milbench.leaderboard.table import Across, Between, Tuned
from milbench.report.paragraph import listed, to_paragraph
from milbench.stats.compare import Comparison

STUDY = Study(
    scheme="kfold", repeats=5, folds=5, seeds=1, validation=0.2, standardise=True, threshold="half"
)


def pair(**more):
    given = {
        "a": "dsmil", "b": "abmil", "metric": "auroc", "difference": 0.02, "low": 0.0, "high": 0.04,
        "p_patient": 0.01, "p_patient_holm": 0.03, "p_t": 0.2, "p_t_holm": 0.2, "t_low": -0.01,
        "t_high": 0.05, "mark": "", "codes": frozenset(), "minimum_detectable": 0.025,
    }  # fmt: skip
    return Comparison(**(given | more))


@pytest.fixture
def studied(plain):
    """One data set with a design and a tested pair."""
    section = replace(plain.sections[0], comparisons=(pair(),))
    return replace(plain, sections=(section,), study=STUDY)


def test_design_is_told_in_words(studied):
    """Methods with controls, folds, patients, validation."""
    text = to_paragraph(studied)
    assert text.startswith(
        "We compared 4 methods, 1 of them a control, on musk1 (musk2 had no results). Bags were "
        "divided 5 times into 5 folds, stratified by class, with all bags of a patient in one part"
    )
    assert "Of the training bags, 20% were held back for validation." in text
    assert "from other seeds" not in text


@pytest.mark.parametrize(
    ("study", "there", "absent"),
    [
        ({"scheme": "published"}, "the published ones where there are any", "monte"),
        ({"scheme": "given"}, "5 times into 5 folds, those of a file that was given", "leak"),
        ({"scheme": "official"}, "the parts that the data set prescribes", "were held back"),
        ({"scheme": "monte-carlo"}, "5 times into 5 independent random test parts", "into 5 folds"),
        ({"seeds": 3}, "trained 3 times on every part, from other seeds", "trained once"),
        ({"validation": 0.0}, "nothing was chosen on test bags", "validation bags"),
        ({"threshold": "validation"}, "Youden's index", "nothing like it"),
        ({"threshold": "validation", "validation": 0.0}, "patient", "Youden"),
        ({"repeats": 1}, "divided once into 5 folds", "averaged over repeats"),
        (
            {"group": "site"},
            "one part, so that no model was tested on a site that it had seen",
            "folds, stratified by class",
        ),
        ({"group": "site"}, "held back for validation, by patient and so of the training", "leak"),
        ({"group": "site"}, "so they speak of new patients of these sites", "leak"),
    ],
)
def test_sentences_follow_the_design(studied, study, there, absent):
    """What another design does not do is not said."""
    text = to_paragraph(replace(studied, study=replace(STUDY, **study)))
    assert there in text
    assert absent not in text


@pytest.mark.parametrize(
    ("code", "there", "absent"),
    [
        (
            "PATIENT_LEAK",
            "patients of musk1 have bags in several parts",
            "of a patient in one part",
        ),
        ("PRETRAINING_OVERLAP", "a corpus that holds musk1 saw these bags", "leak"),
    ],
)
def test_what_training_saw_is_admitted(studied, code, there, absent):
    """A leak of splits, and of an encoder, stands in the paragraph that a paper prints."""
    section = studied.sections[0]
    rows = (replace(section.rows[0], codes=(code,)), *section.rows[1:])
    text = to_paragraph(replace(studied, sections=(replace(section, rows=rows),)))
    assert there in text
    assert absent not in text


def test_tests_are_described_where_pairs_were_tested(studied, plain):
    """Family, level, corrections and what could have been detected; nothing without a pair."""
    text = to_paragraph(studied)
    assert "over all pairs of methods of a data set (1 pair)" in text
    assert "at the level 0.05" in text
    assert "(Nadeau and Bengio 2003), with validation bags counted as training bags." in text
    assert (
        "difference from abmil that the t-test could have called significant alone was 0.025"
        in text
    )
    assert "Holm" not in to_paragraph(plain)


def test_metric_is_described_by_its_kind(studied):
    """A ranking metric is averaged over folds, log loss over bags."""
    assert "The primary metric was AUROC; it was computed on the test bags of each fold" in (
        to_paragraph(studied)
    )
    section = replace(studied.sections[0], metric="log-loss")
    text = to_paragraph(replace(studied, sections=(section,)))
    assert "was Log loss; it was averaged over all test bags of a repeat" in text
    assert "Forman" not in text


def test_limits_are_said(studied):
    """Unknown patients, guards of the tests, incomplete methods, another metric."""
    codes = frozenset({"FEW_PATIENTS", "TOO_FEW_FOLDS"})
    section = replace(studied.sections[0], group_known=False, comparisons=(pair(codes=codes),))
    text = to_paragraph(replace(studied, sections=(section,)))
    assert "The patients of musk1 are not known" in text
    assert "fewer than 50 patients in the smallest class, so the test over patients alone" in text
    assert "fewer than 5 test folds, so the t-test makes no claim there" in text
    assert "On musk1, max lacks planned runs and took part in no test." in text
    exploratory = replace(section, is_exploratory=True, comparisons=())
    text = to_paragraph(replace(studied, sections=(exploratory,)))
    assert "was not declared before the runs on musk1, so nothing was tested there" in text
    assert "The primary metric" not in text


def test_tests_over_cohorts_are_described_where_they_were_made(two):
    """Otherwise mean ranks are called a description."""
    assert "Mean ranks over data sets are a description and carry no test." in to_paragraph(two)
    between = Between(
        a="dsmil", b="abmil", median=0.0, low=0.0, high=0.0, p=1.0, p_holm=1.0, tally=(0, 6, 0),
        probability=(0.1, 0.8, 0.1), differs=False,
    )  # fmt: skip
    across = Across(
        cohorts=tuple("abcdef"), pairs=(between,), ranks={}, letters={}, mean_ranks={}, points={},
        win_rates={}, friedman={},
    )  # fmt: skip
    text = to_paragraph(replace(two, overall=replace(two.overall, across=across)))
    assert "Over 6 cohorts" in text
    assert "Holm's correction over 1 pair" in text
    assert "Bayesian signed-rank test" in text
    assert "Friedman" not in text
    assert "differences of more than 0.01; smaller ones count as ties" in text


def test_tuned_rows_are_told(studied):
    """The budget, and what the choice was made by."""
    first = studied.sections[0]
    row = replace(first.rows[0], tuned=Tuned(trials=10, kept=3))
    tuned = replace(studied, sections=(replace(first, rows=(row, *first.rows[1:])),))
    assert "Rows called tuned tried 10 settings in each run" in to_paragraph(tuned)
    assert "tuned" not in to_paragraph(studied)


def test_latex_cites_by_key_and_escapes(studied, hostile):
    """Citations are commands; signs of names and per cent are escaped."""
    text = to_paragraph(studied, latex=True)
    assert r"~\cite{nadeau2003inference}" in text
    assert r"20\% were held back" in text
    assert r"{[}bold{]}s\_1" in to_paragraph(hostile, latex=True)


def test_same_leaderboard_same_text_and_none_without_results(studied, empty):
    """Deterministic; nothing was analysed where nothing was run."""
    assert to_paragraph(studied) == to_paragraph(studied)
    assert to_paragraph(empty) == ""


def test_lists_are_written_as_in_a_sentence():
    """One, two, three."""
    assert [listed(names) for names in (["a"], ["a", "b"], ["a", "b", "c"])] == [
        "a",
        "a and b",
        "a, b and c",
    ]
