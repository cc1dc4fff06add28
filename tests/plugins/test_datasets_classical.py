"""The classical sets hold what their papers and public descriptions say."""

from collections import Counter, defaultdict
from itertools import combinations

import pytest

from milbench.errors import MissingDataError
from milbench.records import Dataset
from milbench.registry import load_registry
from milbench_datasets import classical
from milbench_datasets.classical import LAYOUTS, MUSK1, MUSK2, MUTAGENESIS1
from milbench_datasets.layouts.folds import read_folds

pytestmark = pytest.mark.data

# bags, positive bags, instances, features, smallest and largest bag: from the sets' descriptions
FACTS = {
    "musk1": (92, 47, 476, 166, 2, 40),
    "musk2": (102, 39, 6598, 166, 1, 1044),
    "elephant": (200, 100, 1391, 230, 2, 13),
    "fox": (200, 100, 1320, 230, 2, 13),
    "tiger": (200, 100, 1220, 230, 1, 13),
    "corel-african": (2000, 100, 7947, 9, 2, 13),
    "birds-brown-creeper": (548, 197, 10232, 38, 2, 43),
    "mutagenesis1": (188, 125, 10486, 7, 28, 88),
    "newsgroups1": (100, 50, 5443, 200, None, None),
    "newsgroups2": (100, 50, 3094, 200, None, None),
    "newsgroups3": (100, 50, 5175, 200, None, None),
}
FOLDED = set(FACTS) - {"musk2", "mutagenesis1", "newsgroups1", "newsgroups3"}


def record(name: str) -> Dataset:
    """Return the record of a built-in data set."""
    return load_registry().find("dataset", f"milbench/{name}").record


def bags(name: str, data):
    """Return all bags of a data set."""
    return list(record(name).load()(data))


def folds(name: str, data) -> dict[int, dict[str, int]]:
    """Return the published folds of a data set."""
    source = record(name)
    loader = Dataset(name="x", target=source.published_splits, summary="", classes=source.classes)
    return loader.load()(data)


@pytest.mark.parametrize("name", FACTS)
def test_facts(name, data_dir) -> None:
    """Bags, positive bags, instances, features and bag sizes are those of the description."""
    found = bags(name, data_dir)
    sizes = [len(bag.x) for bag in found]
    count, positive, instances, features, smallest, largest = FACTS[name]

    assert len(found) == len({bag.id for bag in found}) == count
    assert sum(bag.label for bag in found) == positive
    assert sum(sizes) == instances
    assert {bag.x.shape[1] for bag in found} == {features}
    if smallest:
        assert (min(sizes), max(sizes)) == (smallest, largest)


@pytest.mark.parametrize("name", FACTS)
def test_summary_states_the_facts(name) -> None:
    """The numbers in the record's summary are those of the description."""
    count, positive, instances, features, *_ = FACTS[name]

    assert f"{count} bags ({positive} positive), {instances} instances, {features} " in (
        record(name).summary
    )


@pytest.mark.parametrize("name", FACTS)
def test_files_of_the_record(name, data_dir) -> None:
    """The patterns that tell whether features are stale match every file that may be read."""
    place = getattr(classical, name.upper().replace("-", "_")).place
    folders = [place(data_dir, layout) for layout in LAYOUTS]
    matched = {path for pattern in record(name).files for path in data_dir.glob(pattern)}

    assert matched == {
        path for folder in folders for path in folder.glob("*.*") if path.suffix != ".names"
    }


def test_musk1_is_the_same_in_all_layouts(data_dir) -> None:
    """Four carriers of musk1 hold the same bags: same instances, same labels."""
    contents = []
    for name, layout in LAYOUTS.items():
        found = layout.read(MUSK1.place(data_dir, name))
        contents.append(
            Counter((bag.label, tuple(sorted(map(tuple, bag.x.tolist())))) for bag in found)
        )

    assert contents[0].total() == 92
    assert contents[0] == contents[1] == contents[2] == contents[3]


def test_musk1_ids_of_the_c45_layout(data_dir) -> None:
    """In the C4.5 layout a bag's id is its molecule's name, as the names file lists them."""
    lines = (data_dir / "musk1/uci_c45/musk1.names").read_text().splitlines()
    listed = next(line for line in lines if line.startswith("molecule_name:"))
    names = listed.partition(":")[2].strip().rstrip(".").split(",")

    found = LAYOUTS["uci_c45"].read(MUSK1.place(data_dir, "uci_c45"))
    assert {bag.id for bag in found} == set(names)
    assert all(bag.label == (not bag.id.startswith("NON-")) for bag in found)


def test_musk2_falls_back(data_dir) -> None:
    """The MIProblems folder of musk2 lacks data.csv, so MILpy's files are read."""
    assert LAYOUTS["miproblems"].missing(MUSK2.place(data_dir, "miproblems")) == ["data.csv"]
    assert MUSK2.layout(data_dir) == "milpy"


@pytest.mark.parametrize("name", sorted(FOLDED))
def test_published_folds(name, data_dir) -> None:
    """Five repeats of ten stratified folds: every bag in one fold, class counts within two."""
    labels = {bag.id: bag.label for bag in bags(name, data_dir)}
    found = folds(name, data_dir)

    assert sorted(found) == [0, 1, 2, 3, 4]
    for fold_of in found.values():
        assert fold_of.keys() == labels.keys()
        assert set(fold_of.values()) == set(range(10))
        counts = Counter((fold, labels[bag]) for bag, fold in fold_of.items())
        for label in (0, 1):
            of_class = [counts[fold, label] for fold in range(10)]
            assert max(of_class) - min(of_class) <= 2


@pytest.mark.parametrize("name", sorted(set(FACTS) - FOLDED))
def test_sets_without_published_folds(name, data_dir) -> None:
    """No folds are published for these, or they separate twins."""
    assert folds(name, data_dir) == {}


def test_twins_of_mutagenesis1(data_dir) -> None:
    """38 groups of identical bags cover 100 bags, 5 of them with both labels; each is a group."""
    groups = defaultdict(list)
    for bag in bags("mutagenesis1", data_dir):
        groups[bag.patient].append(bag.label)
    twins = [labels for labels in groups.values() if len(labels) > 1]

    assert len(twins) == 38
    assert sum(map(len, twins)) == 100
    assert sum(len(set(labels)) == 2 for labels in twins) == 5


def test_published_folds_of_mutagenesis1_separate_twins(data_dir) -> None:
    """The file is there and fits the bags; it is left out for its twins alone."""
    found = MUTAGENESIS1.bags(data_dir)
    published = read_folds(data_dir / "mutagenesis1" / "folds_5x10.csv", found)
    for fold_of in published.values():
        parts = defaultdict(set)
        for bag in found:
            parts[bag.patient].add(fold_of[bag.id])
        assert max(map(len, parts.values())) > 1


def test_photo_sets_share_bags(data_dir) -> None:
    """Elephant, fox and tiger have identical bags in common: one cohort, not three."""
    contents = {
        name: {bag.x.tobytes() for bag in bags(name, data_dir)}
        for name in ("elephant", "fox", "tiger")
    }
    shared = {
        pair: len(contents[pair[0]] & contents[pair[1]]) for pair in combinations(contents, 2)
    }

    assert all(count > 0 for count in shared.values())
    assert {record(name).cohort for name in contents} == {"corel"}


def test_empty_folder(tmp_path) -> None:
    """Without files every set says what is missing and what to do, and none breaks."""
    for name in FACTS:
        with pytest.raises(MissingDataError, match=f"{name}: files are missing: .*milbench fetch"):
            bags(name, tmp_path)
        assert folds(name, tmp_path) == {}
