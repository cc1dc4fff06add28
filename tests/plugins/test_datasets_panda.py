"""panda: grades and providers from the official table, under two trees."""

from collections import Counter

import pytest

from milbench.errors import DatasetError, MissingDataError
from milbench.metrics import METRICS
from milbench.registry import load_registry
from milbench_datasets.panda import labels

TRAIN = (
    "image_id,data_provider,isup_grade,gleason_score\n"
    "0005f7aa,karolinska,0,0+0\n000920ad,radboud,5,4+5\n0018ae58,radboud,4,negative\n"
)


def record(name):
    return load_registry().find("dataset", f"milbench/{name}").record


def bags(name, data):
    return list(record(name).load()(data))


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


@pytest.fixture
def panda(tmp_path):
    """Three biopsies as Kaggle has them; one has no file."""
    folder = tmp_path / "prostate-cancer-grade-assessment"
    for name in ("0005f7aa", "000920ad"):
        touch(folder / "train_images" / f"{name}.tiff")
    folder.joinpath("train.csv").write_text(TRAIN, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("name", ["panda", "panda-benign"])
def test_panda_has_provider_as_site_and_no_patient(panda, name):
    """Grades are labels; ids keep their zeros."""
    found = [(bag.id, bag.label, bag.site, bag.patient) for bag in bags(name, panda)]

    assert found == [
        ("0005f7aa", 0, "karolinska", ""),
        ("000920ad", 5, "radboud", ""),
        ("0018ae58", 4, "radboud", ""),
    ]
    assert not record(name).group_known
    assert record(name).primary_metric in METRICS


def test_the_two_records_of_panda_differ_in_their_tree():
    """Pairs of grades, or no cancer apart; what is trained is the same."""
    first, second = record("panda"), record("panda-benign")

    assert first.levels.parents == (0, 0, 1, 1, 2, 2)
    assert second.levels.parents == (0, 1, 1, 1, 2, 2)
    assert (first.trained_as, first.cohort) == (second.trained_as, second.cohort)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("radboud,5", "radboud,6", r"train\.csv, line 3: grade is '6'; expected one of 0, 1"),
        ("radboud,5", "utrecht,5", r"line 3: provider is 'utrecht'; expected one of karolinska"),
        ("000920ad", "0005f7aa", r"line 3: id '0005f7aa' stands in line 2 already"),
    ],
)
def test_faults_of_panda_name_the_line(panda, old, new, fault):
    path = panda / "prostate-cancer-grade-assessment" / "train.csv"
    path.write_text(TRAIN.replace(old, new, 1), encoding="utf-8")

    with pytest.raises(DatasetError, match=fault):
        bags("panda", panda)


def test_absent_biopsies_are_named(tmp_path):
    with pytest.raises(MissingDataError, match=r"train\.csv and train_images.*CC BY-NC-SA 4\.0"):
        bags("panda", tmp_path)


@pytest.mark.data
def test_a_real_table_of_panda(data_dir):
    """The table without the noisy tenth: 9555 biopsies, ISUP and providers as counted there."""
    slides = list(labels(data_dir / "labels_splits" / "panda" / "gigapath_PANDA.csv"))

    counts = Counter(slide.label for slide in slides)
    assert [counts[grade] for grade in range(6)] == [2603, 2399, 1209, 1118, 1124, 1102]
    assert Counter(slide.site for slide in slides) == {"karolinska": 4990, "radboud": 4565}
