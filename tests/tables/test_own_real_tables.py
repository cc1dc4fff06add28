"""Tables and splits of published work are read as they are; counts are those of their README."""

from collections import Counter
from pathlib import Path

import pytest

from milbench.errors import DatasetError
from milbench.interchange.split_readers import read_split_files
from milbench.interchange.stored_splits import Member, roles_of
from milbench.own_data import OwnData
from milbench.tables.lines import read_table
from milbench.tables.resolve import resolved

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def tables(data_dir):
    return data_dir / "labels_splits"


def own(path, **said):
    return resolved(OwnData(name="x", bags=str(path), features="f", **said), Path())


def counts(path, **said):
    """Return how many slides each class has, in the order of the classes."""
    data = own(path, **said)
    found = Counter(line.label for line in read_table(path, data).lines)
    return [found[name] for name in data.classes]


@pytest.mark.parametrize(
    ("name", "said", "expected"),
    [
        ("camelyon16/acmil_camelyon16.csv", {}, [239, 160]),
        ("camelyon16/flamby_labels.csv", {"slide": "filenames", "label": "tumor"}, [240, 159]),
        ("camelyon17/acmil_camelyon17.csv", {}, [114, 50]),
        ("panda/gigapath_PANDA.csv", {}, [2603, 2399, 1209, 1118, 1124, 1102]),
        ("ubc_ocean/label.csv", {}, [99, 124, 220, 46, 47]),
    ],
)
def test_slides_of_each_class(tables, name, said, expected):
    assert counts(tables / name, **said) == expected


def test_official_parts_of_bracs(tables):
    """395, 65 and 87 slides; the column of the parts is ``split_info``."""
    path = tables / "bracs" / "acmil_bracs.csv"

    parts = Counter(line.part for line in read_table(path, own(path)).lines)

    assert parts == {"train": 395, "val": 65, "test": 87}


def test_provider_of_panda_is_the_site(tables):
    path = tables / "panda" / "gigapath_PANDA.csv"

    sites = Counter(line.site for line in read_table(path, own(path)).lines)

    assert sites == {"karolinska": 4990, "radboud": 4565}


def test_ten_splits_in_ten_columns(tables):
    """437, 54 and 54 slides in each of the ten random splits of the HMIL paper."""
    path = tables / "bracs" / "hmil_10splits.csv"
    lines = read_table(path, own(path)).lines

    splits = roles_of(read_split_files(path), [Member(one.slide, "", one.slide) for one in lines])

    assert list(splits) == [(0, fold) for fold in range(10)]
    for roles in splits.values():
        assert Counter(roles.values()) == {"train": 437, "val": 54, "test": 54}


def test_a_table_without_heading_asks_for_one(tables):
    with pytest.raises(DatasetError, match="does the table have a heading"):
        own(tables / "camelyon16" / "mhim_label_c16.csv")


def test_a_table_of_survival_has_no_label(tables):
    with pytest.raises(DatasetError, match="no column is the label"):
        own(tables / "tcga_hipt" / "tcga_brca_labels.csv")
