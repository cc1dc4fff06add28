"""Published counts of the official sets, against the readers and the real label files.

Where a count is that of a page or a paper, its source stands beside it. Files are those of others,
read with pandas; what the readers make of them is compared slide by slide.
"""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2_contingency
from sklearn.model_selection import StratifiedGroupKFold

from milbench.audit import audit
from milbench.bags import BagTable
from milbench.interchange.labels import Labels, read_labels
from milbench.interchange.split_files import Fold, SplitFiles
from milbench.interchange.split_readers import read_split_files
from milbench.registry import load_registry
from milbench.splits import SplitPlan, draw_splits
from milbench_datasets import panda, tcga_luad
from milbench_datasets.bach import NAMES, TEST
from milbench_datasets.breakhis import PUBLISHED
from milbench_datasets.camelyon16 import training_labels
from milbench_datasets.trees import BRACS

# Pages and papers, with what adds up and what does not.
BRACS_SLIDES = {  # details page of https://www.bracs.icar.cnr.it, by N, PB, UDH, FEA, ADH, DCIS, IC
    "train": (27, 120, 56, 24, 28, 40, 100),
    "val": (10, 11, 9, 6, 8, 9, 12),
    "test": (7, 16, 9, 11, 12, 12, 20),
}
BREAKHIS = {  # its web page, benign and malignant; it prints 652 for benign at 40x
    40: (625, 1370),
    100: (644, 1437),
    200: (623, 1390),
    400: (588, 1232),
}
ISUP = (2892, 2666, 1343, 1242, 1249, 1224)  # PANDA, all of train.csv; unverified


@pytest.fixture
def files(data_dir):
    return data_dir / "labels_splits"


def summary(name):
    return load_registry().find("dataset", f"milbench/{name}").record.summary


def table_of(slides, classes):
    """Return the bags of labelled slides as a table."""
    return BagTable(
        ids=tuple(slide.id for slide in slides),
        labels=np.array([slide.label for slide in slides], dtype=np.int64),
        patients=tuple(slide.patient or slide.id for slide in slides),
        sites=tuple(slide.site for slide in slides),
        parts=("",) * len(slides),
        sizes=np.ones(len(slides), dtype=np.int64),
        classes=tuple(classes),
    )


def test_published_counts_add_up():
    """And are what the summaries of the records say."""
    assert {part: sum(counts) for part, counts in BRACS_SLIDES.items()} == {
        "train": 395,
        "val": 65,
        "test": 87,
    }
    assert "547 slides" in summary("bracs")
    assert "4539 pictures" in summary("bracs-roi")
    assert 3657 + 312 + 570 == 4539  # parts of eva, bracs.py
    assert {zoom: sum(counts) for zoom, counts in BREAKHIS.items()} == PUBLISHED
    assert sum(map(sum, BREAKHIS.values())) == 7909
    assert PUBLISHED[40] != 652 + 1370  # so the page's 652 is a slip
    assert sum(ISUP) == 10616
    assert "10616 slides" in summary("panda")
    assert (
        sum(len(numbers) for ranges in TEST.values() for numbers in ranges) == 132
    )  # eva, bach.py
    assert len(set(NAMES)) == 400


@pytest.mark.data
def test_real_slides_of_bracs_have_the_published_counts(files):
    """Each type in each part, by the folders that ACMIL's table lists."""
    paths = pd.read_csv(files / "bracs" / "acmil_bracs.csv")["full_path"].str.split("/")
    found = Counter(zip(paths.str[-4], paths.str[-2].str.removeprefix("Type_"), strict=True))

    assert found == {
        (part, kind): count
        for part, counts in BRACS_SLIDES.items()
        for kind, count in zip(BRACS.classes, counts, strict=True)
    }


@pytest.mark.data
def test_the_hmil_paper_lacks_two_slides_of_bracs(files):
    """545 of 547, with the types of the folders; one N and one UDH are not in its lists."""
    theirs = pd.read_csv(files / "bracs" / "hmil_10splits.csv").set_index("slide_id")["label"]
    all_slides = pd.read_csv(files / "bracs" / "acmil_bracs.csv")
    ours = dict(zip(all_slides["slide_id"], all_slides["label"], strict=True))

    assert {slide: BRACS.classes[ours.pop(slide)] for slide in theirs.index} == theirs.to_dict()
    assert {slide: BRACS.classes[label] for slide, label in ours.items()} == {
        "BRACS_1003717": "N",
        "BRACS_1003660": "UDH",
    }


@pytest.mark.data
def test_tables_of_panda_are_parts_of_the_published_one(files):
    """Grades agree where two have a biopsy, and none has more of a grade than were published."""
    first = {slide.id: slide for slide in panda.labels(files / "panda" / "gigapath_PANDA.csv")}
    second = pd.read_csv(files / "panda" / "hmil_10splits.csv").set_index("slide_id")["label"]
    both = second[second.index.isin(first.keys())]

    assert (len(first), len(second), len(both)) == (9555, 10202, 9216)
    assert both.to_dict() == {name: first[name].label for name in both.index}
    joined = second.to_dict() | {name: slide.label for name, slide in first.items()}
    counts = Counter(joined.values())
    assert all(counts[grade] <= ISUP[grade] for grade in range(6))
    assert [second.tolist().count(grade) for grade in range(6)] == [
        *(2724, 2602, 1321, 1205, 1187, 1163)  # as its paper's lists
    ]


@pytest.mark.data
def test_lists_of_camelyon16_agree_with_the_names(files):
    """ACMIL divides all 399 as 242, 27 and 129; MHIM-MIL's 398 lack one; none has another label."""
    names = {slide.id: slide.label for slide in training_labels()}
    acmil = pd.read_csv(files / "camelyon16" / "acmil_camelyon16.csv")
    known = dict(zip(acmil["slide_id"], acmil["label"], strict=True))
    mhim = pd.read_csv(files / "camelyon16" / "mhim_label_c16.csv", header=None)
    theirs = dict(zip(mhim[0], mhim[1], strict=True))

    assert names.items() <= known.items()
    assert len(known) == 399
    assert theirs.items() <= known.items()
    assert sorted(known.keys() - theirs.keys()) == ["test_114"]
    for number in range(1, 6):
        path = files / "camelyon16" / f"acmil_split_{number}.json"
        split = json.loads(path.read_text(encoding="utf-8"))
        assert [len(names) for names in split.values()] == [242, 27, 129]


@pytest.mark.data
def test_hospitals_of_flamby_are_told_by_the_numbers(files):
    """Of the training part as here but for tumor_111; of the test part 74 and 55, not used."""
    table = pd.read_csv(files / "camelyon16" / "flamby_metadata.csv")
    names, hospitals = table["slide_name"].str[:-4], table["hospital_corrected"].astype(int)
    theirs = dict(zip(names, hospitals, strict=True))

    sites = Counter(slide.site for slide in training_labels())
    assert sites == {"radboud": 170, "utrecht": 100}  # ranges as told, unverified
    differing = [
        slide.id
        for slide in training_labels()
        if ("radboud", "utrecht")[theirs[slide.id]] != slide.site
    ]
    assert differing == ["tumor_111"]
    assert Counter(h for n, h in theirs.items() if n.startswith("test")) == {0: 74, 1: 55}


def bergsma(cells):
    """Return Cramer's V without its bias, from the paper's formula and SciPy's chi-squared."""
    total, (rows, columns) = cells.sum(), cells.shape
    chi2 = chi2_contingency(cells, correction=False).statistic
    phi = max(0.0, chi2 / total - (rows - 1) * (columns - 1) / (total - 1))
    fewer = min(side - (side - 1) ** 2 / (total - 1) for side in (rows, columns))
    return float(np.sqrt(phi / (fewer - 1)))


@pytest.mark.data
def test_the_provider_of_panda_tells_the_grade(files):
    """The audit of gigapath's split says so, with V as the formula gives it."""
    table = pd.read_csv(files / "panda" / "gigapath_PANDA.csv")
    parts = {part: pd.read_csv(files / "panda" / f"gigapath_{part}_0.csv") for part in PARTS}
    expected = bergsma(pd.crosstab(table["data_provider"], table["label"]).to_numpy())
    assert sum(map(len, parts.values())) == len(table) == 9555

    texts = site_findings(
        {part: frame["slide_id"].tolist() for part, frame in parts.items()},
        read_labels(files / "panda" / "gigapath_PANDA.csv"),
    )

    assert f"Cramer's V {expected:.2f} over 2 sites and 6 classes" in texts["SITE_LABEL"]
    assert texts["SITE_SHARED"].startswith("2 of 2 test sites are trained on as well")


PARTS = ("train", "val", "test")


def site_findings(parts, labels):
    fold = Fold("fold 0", *(tuple(parts[part]) for part in PARTS))
    found = audit(SplitFiles(producer="x", why="y", folds=(fold,)), labels)
    return {one.code: one.text for one in found.findings if one.code.startswith("SITE")}


@pytest.mark.data
@pytest.mark.parametrize("gene", ["EGFR", "KRAS", "STK11", "TP53"])
def test_real_sites_of_luad_are_kept_apart(files, tmp_path, gene):
    """33 sites in five folds of 529 slides; a split by patient shares nearly all of them."""
    path = files / "tcga_luad_mutation" / "gigapath_LUAD-5-gene_TCGA.csv.gz"
    table = table_of(list(tcga_luad.Genes(gene, (gene,)).of_slides(path)), ("wild type", "mutated"))

    by_site, by_patient = (
        draw_splits(table, SplitPlan(group=group), name="luad") for group in ("site", "patient")
    )

    sizes = [len(by_site.part(0, fold).test) for fold in range(5)]
    assert sum(sizes) == 529
    assert max(sizes) - min(sizes) <= 20  # the largest site has 91
    ours = spread(table, [by_site.part(0, fold).test for fold in range(5)])
    theirs = [spread(table, parts) for parts in drawn_by_scikit_learn(table)]
    assert ours <= max(theirs)
    assert "SITE_SHARED" not in audited(by_site, tmp_path)
    assert "SITE_SHARED" in audited(by_patient, tmp_path)


def spread(table, parts):
    """Return how much the share of the second class differs between parts."""
    return np.ptp([table.labels[part].mean() for part in parts])


def drawn_by_scikit_learn(table):
    """Yield the test parts of StratifiedGroupKFold over sites, from five seeds."""
    for seed in range(5):
        folds = StratifiedGroupKFold(5, shuffle=True, random_state=seed)
        yield [part for _, part in folds.split(table.ids, table.labels, table.sites)]


def audited(splits, tmp_path: Path) -> set[str]:
    """Return what the audit of a stored split finds; sites are those of the barcodes."""
    splits.save(tmp_path / "splits.csv")
    labels = Labels(label=dict.fromkeys(splits.bag_ids, "any"), where="here")
    return {one.code for one in audit(read_split_files(tmp_path / "splits.csv"), labels).findings}


@pytest.mark.data
def test_the_providers_of_panda_are_two_folds(files):
    """Trained on one, tested on the other: 4990 and 4565 biopsies, every grade on both sides."""
    slides = list(panda.labels(files / "panda" / "gigapath_PANDA.csv"))

    splits = draw_splits(table_of(slides, "012345"), SplitPlan(group="site", folds=2), name="panda")

    assert splits.notes == ("By site: folds test karolinska | radboud.",)
    assert [len(splits.part(0, fold).test) for fold in (0, 1)] == [4990, 4565]
