"""An encoder that was trained on a cohort is known by the names of corpora."""

import pytest

from milbench import Dataset, Encoder
from milbench.overlap import seen_before


def encoder(*corpora, **settings):
    return Encoder(name="e", target="m:e", summary="s", pretraining_data=corpora, **settings)


def dataset(cohort, name="d"):
    return Dataset(name=name, target="m:d", summary="s", classes=("a", "b"), cohort=cohort)


@pytest.mark.parametrize(
    ("corpora", "cohort", "found"),
    [
        (("TCGA",), "tcga-luad", "TCGA"),
        (("GTEx", "CPTAC and others"), "cptac-ccrcc", "CPTAC and others"),
        (("TCGA (12 thousand slides)",), "TCGA_LUAD", "TCGA (12 thousand slides)"),
        (("TCGA-BRCA",), "tcga-luad", ""),
        (("TCGA-BRCA",), "tcga-brca", "TCGA-BRCA"),
        (("TCGA",), "tcgaplus", ""),
        (("MSKCC",), "tcga-luad", ""),
        ((), "tcga-luad", ""),
    ],
)
def test_a_corpus_holds_the_cohorts_that_begin_with_its_name(corpora, cohort, found):
    """Word by word, in any spelling."""
    assert seen_before(encoder(*corpora), dataset(cohort)) == found


def test_a_data_set_without_a_cohort_is_its_own():
    """As everywhere in a leaderboard."""
    assert seen_before(encoder("PANDA"), dataset("", name="panda")) == "PANDA"


def test_an_encoder_of_all_tiles_has_seen_every_cohort():
    """One of the training part has not seen the test bags."""
    for seen, found in (("all", "the tiles of this data set"), ("train", "")):
        trained = encoder(pretrain="m:p", pretrained_on=seen)
        assert seen_before(trained, dataset("anything")) == found
