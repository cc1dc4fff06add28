"""The audit finds what makes splits give wrong numbers, in real files and one by one."""

import re
from pathlib import Path

import pytest
from scipy.stats import chi2_contingency

from milbench.audit import CODES, Audit, audit
from milbench.errors import StatisticsError
from milbench.interchange.labels import Columns, Labels, read_labels
from milbench.interchange.split_files import Fold, SplitFiles
from milbench.interchange.split_readers import read_split_files
from milbench.stats.association import cramers_v

ROOT = Path(__file__).resolve().parent.parent

# Four patients with two slides each; one class a patient.
LABELS = Labels(
    label={f"{p}{n}": "yes" if p in "bd" else "no" for p in "abcd" for n in (1, 2)},
    patient={f"{p}{n}": p for p in "abcd" for n in (1, 2)},
    where="labels.csv",
)
SOUND = Fold("f", ("a1", "a2", "b1", "b2"), (), ("c1", "c2", "d1", "d2"))


def looked_at(*folds: Fold, labels: Labels = LABELS, unit: str = "slide") -> Audit:
    return audit(SplitFiles(producer="x", why="y", folds=folds, unit=unit), labels)


def texts(found: Audit, code: str) -> list[str]:
    return [finding.text for finding in found.findings if finding.code == code]


def test_sound_splits_pass() -> None:
    """Whole patients on either side, both classes in each, every slide used once."""
    found = looked_at(SOUND)

    assert (found.findings, found.verdict) == ((), "passes")


def test_a_patient_in_two_parts_is_a_leak() -> None:
    """Slide b2 goes to the test part, b1 stays."""
    found = looked_at(SOUND._replace(train=("a1", "a2", "b1"), test=("b2", *SOUND.test)))

    assert texts(found, "PATIENT_LEAK") == ["1 patients in both train and test, such as b"]
    assert found.verdict == "LEAKS in 1 of 1 folds"


def test_a_slide_in_two_parts_is_a_leak_of_its_own() -> None:
    """Whether or not anything is known of patients; endings do not hide it."""
    found = looked_at(SOUND._replace(test=(*SOUND.test, "a1.svs")), labels=Labels())

    assert texts(found, "SLIDE_LEAK") == ["1 slides in both train and test, such as a1"]


def test_tcga_barcodes_tell_their_patient() -> None:
    """Two slides of one case leak without any table of labels."""
    slides = ("TCGA-3C-AALI-01Z-00-DX1.F6E9", "TCGA-3C-AALI-01Z-00-DX2.CF44")
    found = looked_at(Fold("f", slides[:1], (), slides[1:]), labels=Labels())

    assert texts(found, "PATIENT_LEAK") == [
        "1 patients in both train and test, such as TCGA-3C-AALI"
    ]


def test_patients_are_the_unit_where_the_splits_list_them() -> None:
    """STAMP's folds: patient b on both sides is a leak, and classes are looked up by patient."""
    fold = Fold("f", ("a", "b"), (), ("b", "c"))
    found = looked_at(fold, unit="patient")

    assert texts(found, "SLIDE_LEAK") == ["1 patients in both train and test, such as b"]
    assert texts(found, "MISSING_CLASS") == []
    assert texts(found, "UNUSED_SLIDE") == ["1 labelled patients are in no fold, such as d"]


def test_a_table_of_patients_is_enough_for_splits_of_patients(tmp_path: Path) -> None:
    """STAMP's clinical table has no slides; patient c is in no part."""
    path = tmp_path / "clini.csv"
    path.write_text("PATIENT,label\na,no\nb,yes\nc,no\n", encoding="utf-8")
    found = looked_at(Fold("f", ("a",), (), ("b",)), labels=read_labels(path), unit="patient")

    assert texts(found, "MISSING_CLASS") == [
        "no slide of class yes in train",
        "no slide of class no in test",
    ]
    assert texts(found, "UNUSED_SLIDE") == ["1 labelled patients are in no fold, such as c"]


@pytest.mark.parametrize(
    ("fold", "code", "text"),
    [
        (SOUND._replace(test=("c1", "c2")), "MISSING_CLASS", "no slide of class yes in test"),
        (SOUND._replace(test=()), "EMPTY_PART", "the test part is empty"),
        (
            SOUND._replace(train=(*SOUND.train, "a1")),
            "SLIDE_TWICE",
            "1 slides twice in train, such as a1",
        ),
        (
            SOUND._replace(train=(*SOUND.train, "zz")),
            "UNKNOWN_SLIDE",
            "1 of 9 slides are not in labels.csv, such as zz",
        ),
        (
            SOUND._replace(train=SOUND.train[:3]),
            "UNUSED_SLIDE",
            "1 labelled slides are in no fold, such as b2",
        ),
    ],
)
def test_each_fault_is_found(fold: Fold, code: str, text: str) -> None:
    """One change of sound splits, one line."""
    assert texts(looked_at(fold), code) == [text]


def test_test_parts_that_overlap_are_no_partition() -> None:
    """Two folds that both test c1; the same folds as two repeats of one are none."""
    turned = Fold("g", ("a1", "a2", "b1", "b2"), (), ("c1", "d1"))
    found = looked_at(SOUND, turned)

    assert texts(found, "TEST_OVERLAP") == [
        "test parts overlap: 4 distinct of 6 tested, so the folds are random draws and no partition"
    ]
    repeated = SplitFiles(producer="x", why="y", folds=(SOUND, turned), repeats=2)
    assert texts(audit(repeated, LABELS), "TEST_OVERLAP") == []


def test_what_cannot_be_seen_is_said() -> None:
    """Without labels and patients the audit has less to look at."""
    found = looked_at(SOUND, labels=Labels())

    assert [finding.code for finding in found.findings] == ["PATIENT_UNKNOWN", "NO_LABELS"]
    assert found.verdict == "passes"


def test_a_site_that_tells_the_class_is_noted() -> None:
    """Every patient of class yes comes from one site: V is 1 for two patients each."""
    site = {slide: "north" if label == "yes" else "south" for slide, label in LABELS.label.items()}
    found = looked_at(SOUND, labels=Labels(LABELS.label, LABELS.patient, site, "labels.csv"))

    assert texts(found, "SITE_LABEL")[0].startswith(
        "the site tells the class: bias-corrected Cramer's V 1.00 over 2 sites and 2 classes"
    )
    assert "2 of 2 test sites are trained on as well" in texts(found, "SITE_SHARED")[0]
    assert found.verdict == "passes"


@pytest.mark.parametrize(
    ("cells", "v"),
    [
        # By hand after Bergsma's formula: (chi2 / n - 1 / (n - 1)) / (2 - 1 / (n - 1) - 1), root.
        ((10, 0, 0, 10), 1.0),
        ((5, 5, 5, 5), 0.0),
        ((8, 2, 3, 7), 0.459347),
    ],
)
def test_association_is_that_of_the_formula(cells: tuple[int, ...], v: float) -> None:
    """And its p value is scipy's chi-squared test without continuity correction."""
    names = (("n", "0"), ("n", "1"), ("s", "0"), ("s", "1"))
    found = cramers_v(dict(zip(names, cells, strict=True)))
    expected = chi2_contingency([cells[:2], cells[2:]], correction=False)

    assert found.v == pytest.approx(v, abs=1e-6)
    assert found.p == pytest.approx(expected.pvalue)


def test_one_name_has_no_association() -> None:
    """What is always the same tells nothing."""
    with pytest.raises(StatisticsError, match="needs two of each"):
        cramers_v({("n", "0"): 3, ("n", "1"): 4})


def test_several_columns_of_labels_are_named(tmp_path: Path) -> None:
    """Which of them is the label is not guessed, and the option says it."""
    path = tmp_path / "labels.csv"
    path.write_text("slide_id,label,class\n007,a,b\n", encoding="utf-8")

    with pytest.raises(Exception, match=r"may be in 'label' or 'class'; say which with --label"):
        read_labels(path)
    assert read_labels(path, Columns(label="class")).label == {"007": "b"}


def test_every_code_is_explained() -> None:
    """The page on other tools' files has each code with its level."""
    page = (ROOT / "docs" / "interchange.md").read_text(encoding="utf-8")

    assert dict(re.findall(r"^\| `([A-Z_]+)` \| (\w+) \|", page, re.MULTILINE)) == CODES


# Real files: the README of the folder counts by hand what is expected here


@pytest.mark.data
@pytest.mark.parametrize(
    ("organ", "shared", "distinct", "tested"),
    [
        ("brca", (4, 15), 675, 980),
        ("lung", (4, 12), 618, 930),
        ("kidney", (2, 6), 588, 890),
    ],
)
def test_hipt_s_splits_leak(
    data_dir: Path, organ: str, shared: tuple[int, int], distinct: int, tested: int
) -> None:
    """In every fold train and test share patients, and the test parts overlap."""
    folder = data_dir / "labels_splits" / "tcga_hipt"
    labels = read_labels(folder / f"tcga_{organ}_labels.csv")
    found = audit(read_split_files(folder / f"tcga_{organ}"), labels)

    between = [text for text in texts(found, "PATIENT_LEAK") if "train and test" in text]
    counts = [int(text.split()[0]) for text in between]
    assert found.verdict == "LEAKS in 10 of 10 folds"
    assert (len(counts), min(counts), max(counts)) == (10, *shared)
    assert f"{distinct} distinct of {tested} tested" in texts(found, "TEST_OVERLAP")[0]


@pytest.mark.data
def test_titan_s_splits_pass(data_dir: Path) -> None:
    """No patient and no site is on two sides, and every class is in every part."""
    found = audit(read_split_files(data_dir / "labels_splits" / "tcga_ot"), Labels())

    assert found.verdict == "passes"
    assert {finding.code for finding in found.findings} == {"SITE_LABEL"}
