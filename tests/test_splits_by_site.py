"""Folds by site: what is promised of each, and what is refused."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import LeaveOneGroupOut, StratifiedGroupKFold

from milbench.bags import BagTable
from milbench.errors import SplitError
from milbench.jobs import split_digest
from milbench.splits import SplitPlan, Splits, draw_splits, load_splits
from milbench.suite import Splits as SuiteSplits
from milbench.suite import Suite


def sited(sites: Sequence[str], labels: Sequence[int], patients: Sequence[str] = ()) -> BagTable:
    """Return bags '000', '001', ... of these sites; each its own patient when none is given."""
    ids = tuple(f"{index:03d}" for index in range(len(sites)))
    return BagTable(
        ids=ids,
        labels=np.array(labels, dtype=np.int64),
        patients=tuple(patients) or ids,
        sites=tuple(sites),
        parts=("",) * len(ids),
        sizes=np.ones(len(ids), dtype=np.int64),
        classes=("negative", "positive", "rare")[: max(labels) + 1],
    )


def by_site(folds: int, **more: object) -> SplitPlan:
    return SplitPlan(group="site", folds=folds, **({"validation": 0.0} | more))


def sites_of_folds(table: BagTable, splits: Splits, repeat: int = 0) -> list[set[str]]:
    """Return the sites that each fold tests."""
    return [
        {table.sites[bag] for bag in splits.part(repeat, fold).test}
        for fold in range(splits.n_folds)
    ]


FOUR = sited("aaaabbbbccccdddd", [0, 0, 1, 1] * 4)


@st.composite
def sited_tables(draw: st.DrawFn) -> BagTable:
    """Draw 4 to 9 sites with patients of both classes, and some patients of two sites."""
    bags = []
    count = draw(st.integers(4, 9))
    for site in range(count):
        for label in (0, 1):
            for patient in range(draw(st.integers(2, 4))):
                bags += [(f"s{site}", label, f"p{site}-{label}-{patient}")] * draw(
                    st.integers(1, 3)
                )
    if draw(st.booleans()):
        bags += [("s0", 0, "moved"), (f"s{count - 1}", 1, "moved")]
    bags = draw(st.permutations(bags))
    return sited(
        *zip(*((site, label) for site, label, _ in bags), strict=True), [b[2] for b in bags]
    )


@given(sited_tables(), st.integers(2, 3), st.sampled_from([0.0, 0.2]))
def test_no_site_and_no_patient_is_trained_and_tested_on(table, folds, validation):
    """In each fold; the test parts are a partition, with both classes in each."""
    splits = draw_splits(table, by_site(folds, validation=validation), name="toy")

    tests = []
    for fold in range(folds):
        train, val, test = splits.part(0, fold)
        for names in (table.sites, table.patients):
            seen = {names[bag] for bag in (*train, *val)}
            assert not seen & {names[bag] for bag in test}
        assert not {table.patients[b] for b in train} & {table.patients[b] for b in val}
        assert set(table.labels[test]) == set(table.labels[train]) == {0, 1}
        tests.append(test)
    assert sorted(np.concatenate(tests)) == list(range(len(table)))


@given(sited_tables(), st.randoms(use_true_random=False))
def test_the_order_of_bags_moves_no_site(table, random):
    """A table read in another order has the same folds."""
    order = np.array(random.sample(range(len(table)), len(table)))
    moved = BagTable(
        ids=tuple(table.ids[i] for i in order),
        labels=table.labels[order],
        patients=tuple(table.patients[i] for i in order),
        sites=tuple(table.sites[i] for i in order),
        parts=table.parts,
        sizes=table.sizes,
        classes=table.classes,
    )
    plan = by_site(3, validation=0.2)

    first, again = (draw_splits(t, plan, name="toy").roles for t in (table, moved))

    assert (first[:, :, order] == again).all()


def test_as_many_folds_as_sites_leave_each_out_once():
    """The same test parts as scikit-learn's LeaveOneGroupOut, in the order of the names."""
    expected = [
        test.tolist() for _, test in LeaveOneGroupOut().split(FOUR.ids, FOUR.labels, FOUR.sites)
    ]

    splits = draw_splits(FOUR, by_site(4), name="toy")

    assert [splits.part(0, fold).test.tolist() for fold in range(4)] == expected
    assert splits.notes == ("By site: folds test a | b | c | d.",)


def test_sites_are_divided_as_evenly_as_scikit_learn_does():
    """StratifiedGroupKFold keeps groups whole too; our largest fold has no more of any class."""
    rng = np.random.default_rng(1)
    sites = [f"s{n:02d}" for n in range(12) for _ in range(rng.integers(4, 20))]
    labels = [int(i % 3 == 0) for i in range(len(sites))]
    table = sited(sites, labels)
    theirs = [
        test
        for _, test in StratifiedGroupKFold(3, shuffle=True, random_state=0).split(
            labels, labels, sites
        )
    ]

    splits = draw_splits(table, by_site(3), name="toy")
    ours = [splits.part(0, fold).test for fold in range(3)]

    for parts in (ours, theirs):
        assert sum(len({sites[bag] for bag in part}) for part in parts) == 12
    counts = [[np.bincount(table.labels[p], minlength=2) for p in part] for part in (ours, theirs)]
    mine, other = (np.ptp(np.array(found), axis=0) for found in counts)
    assert (mine <= other).all()


def test_sites_that_share_a_patient_are_tested_together():
    """Else the patient would be on both sides; it is told, with the patient."""
    table = replace(FOUR, patients=("x", *FOUR.patients[1:4], "x", *FOUR.patients[5:]))

    splits = draw_splits(table, by_site(3), name="toy")

    assert sites_of_folds(table, splits) == [{"a", "b"}, {"c"}, {"d"}]
    assert splits.notes[1] == "Sites a + b share patients, such as x, and are tested together."


def test_repeats_of_leaving_one_out_differ_in_validation_alone():
    """There is one such division; what is trained on changes a little, and it is told."""
    patients = [f"{site}{n}" for site in "abcd" for n in range(4)]
    table = replace(FOUR, patients=tuple(patients))

    splits = draw_splits(table, by_site(4, repeats=3, validation=0.25), name="toy")

    assert [sites_of_folds(table, splits, repeat) for repeat in range(3)] == [
        [{s} for s in "abcd"]
    ] * 3
    assert len({splits.roles[repeat].tobytes() for repeat in range(3)}) > 1
    assert "the repeats differ in validation bags only" in splits.notes[1]


def test_splits_by_site_are_read_again(tmp_path):
    """A stored file is checked like any other."""
    splits = draw_splits(FOUR, by_site(2), name="toy")
    splits.save(tmp_path / "splits.csv")

    assert load_splits(tmp_path / "splits.csv", FOUR).hash == splits.hash


@pytest.mark.parametrize(
    ("table", "plan", "message"),
    [
        (
            sited(["", *"bbccc"], [0, 1] * 3),
            by_site(2),
            "1 of 6 bags have no site, such as '000', and folds by site need that of each",
        ),
        (
            FOUR,
            by_site(5),
            "5 folds by site need 5 sites, and there are 4 (a, b, c, d); set splits.folds = 4",
        ),
        (
            replace(FOUR, patients=("x", *FOUR.patients[1:4], "x", *FOUR.patients[5:])),
            by_site(4),
            "there are 3 (a + b, c, d); a + b share patients, such as x, and count as one",
        ),
        (
            sited("aaaa", [0, 1, 0, 1]),
            by_site(2),
            "there are 1 (a); use splits.group = 'patient'",
        ),
        (
            sited("aabbcc", [0, 1, 0, 1, 0, 0]),
            by_site(3),
            (
                "FOLD_MISSING_CLASS: class 'positive' is found at 2 of 3 sites, not at 'c', and "
                "every fold needs it; use 2 folds or fewer, or splits.group = 'patient'"
            ),
        ),
        (
            sited("aabbcc", [0, 1, 0, 0, 0, 0]),
            by_site(2),
            "found at 1 of 3 sites, not at 'b' and 1 others, and every fold needs it; no number",
        ),
        (
            sited("aabbcc", [0, 1, 1, 2, 0, 2]),
            by_site(2),
            "2 folds by site, repeat 0: no draw gives every fold a site of every class",
        ),
        (
            sited("aaabbbccc", [0, 1, 1] * 3),
            by_site(2, repeats=9),
            "divides the 3 sites as repeat",
        ),
        (
            sited("aabb", [0, 1, 0, 1]),
            by_site(2, validation=0.2),
            "training with validation: 2 patients of every class are needed",
        ),
    ],
)
def test_what_cannot_be_divided_by_site_is_refused(table, plan, message):
    """The message names the site, the class or the count, and the way out."""
    with pytest.raises(SplitError) as caught:
        draw_splits(table, plan, name="toy")

    assert str(caught.value).startswith("toy")
    assert message in str(caught.value)


@pytest.mark.parametrize("scheme", ["official", "published", "given", "monte-carlo"])
def test_other_schemes_are_not_by_site(scheme):
    """In a plan and in a suite file."""
    with pytest.raises(SplitError, match="'site': with the scheme kfold only"):
        SplitPlan(scheme=scheme, group="site")
    with pytest.raises(ValueError, match=r"splits\.group: folds by site are drawn here"):
        Suite.model_validate(
            {
                "name": "x",
                "datasets": ("a",),
                "methods": ({"name": "mean"},),
                "splits": {"scheme": scheme, "group": "site"},
            }
        )


def test_what_is_kept_together_names_splits_only_where_it_is_the_site():
    """Results from before the key keep their names; by site they have others."""
    old = {"scheme": "kfold", "folds": 5, "validation": 0.2, "test": 0.2, "seed": 1}

    assert SuiteSplits().named() == SuiteSplits(group="patient").named() == old
    assert SuiteSplits(group="site").named() == old | {"group": "site"}


def test_a_site_that_is_corrected_makes_other_splits():
    """They are stored beside those from before, whatever the number of repeats."""
    suite = Suite.model_validate(
        {
            "name": "x",
            "datasets": ("a",),
            "methods": ({"name": "mean"},),
            "splits": {"group": "site", "folds": 4},
        }
    )
    corrected = replace(FOUR, sites=("b", *FOUR.sites[1:7], "a", *FOUR.sites[8:]))

    names = [
        split_digest(suite, draw_splits(table, by_site(4, repeats=repeats), name="toy"))
        for table, repeats in ((FOUR, 1), (FOUR, 3), (corrected, 1))
    ]

    assert names[0] == names[1] != names[2]


def test_the_digest_of_a_suite_from_before_is_as_it_was():
    """Computed by the version before the key was there (commit d832373)."""
    suite = Suite.model_validate({"name": "x", "datasets": ("a",), "methods": ({"name": "mean"},)})
    before = suite.model_dump_json(exclude={"dataset": True, "splits": {"leaks", "group"}})

    assert '"group"' not in before
    assert suite.digest == "c33dc2ca749b777e"
