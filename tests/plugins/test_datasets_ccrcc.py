"""cptac-ccrcc: bags of 40 tiles of one patient, parts of disjoint patients, seeded and stored."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from milbench.errors import DatasetError, MissingDataError
from milbench.registry import load_registry
from milbench_datasets.ccrcc import Ccrcc, Pool, deal, read_pools
from milbench_datasets.ccrcc_table import load, save

FEW = {"train": 8, "val": 4, "test": 6}


def tiles_of(patient, tumour, others):
    return Pool(
        [f"{patient}/t{n}.png" for n in range(tumour)],
        [f"{patient}/n{n}.png" for n in range(others)],
    )


POOLS = {f"C3L-0000{n}": tiles_of(f"C3L-0000{n}", 25, 45) for n in range(6)}
PATIENTS = {tile: name for name, pool in POOLS.items() for tile in pool.all}


def draw(witnesses):
    return list(Ccrcc(witnesses, FEW).draw(POOLS))


def test_numbers_of_the_protocol_are_the_published_ones():
    """500, 100 and 1000 bags, half positive, for each of four rates; one name to train by."""
    registry = load_registry()
    for count in (20, 10, 5, 1):
        record = registry.find("dataset", f"milbench/cptac-ccrcc-{count}").record
        drawn = list(record.load().__self__.draw(POOLS))

        assert Counter((bag.part, bag.label) for bag in drawn) == {
            ("train", 0): 250,
            ("train", 1): 250,
            ("val", 0): 50,
            ("val", 1): 50,
            ("test", 0): 500,
            ("test", 1): 500,
        }
        assert (record.trained_as, record.cohort) == ("cptac-ccrcc", "cptac-ccrcc")


@pytest.mark.parametrize("witnesses", [20, 10, 5, 1])
def test_a_positive_bag_has_as_many_tumour_tiles_as_its_part_asks(witnesses):
    """20 to train and validate on, and the data set's number in the test; never one twice."""
    for bag in draw(witnesses):
        tumour = sum("/t" in tile for tile in bag.tiles)

        assert len(set(bag.tiles)) == len(bag.tiles) == 40
        assert tumour == (0 if bag.label == 0 else witnesses if bag.part == "test" else 20)


def test_no_patient_is_in_two_parts_or_two_in_a_bag():
    """Patients are assigned before any tile is drawn."""
    parts = {}
    for bag in draw(5):
        (patient,) = {PATIENTS[tile] for tile in bag.tiles}
        parts.setdefault(patient, set()).add(bag.part)

    assert all(len(found) == 1 for found in parts.values())
    assert set.union(*parts.values()) == {"train", "val", "test"}


def test_training_bags_do_not_depend_on_the_test_rate():
    """Tile by tile and slot by slot; test bags are others."""
    first, second = draw(20), draw(1)

    for one, other in zip(first, second, strict=True):
        assert (one.tiles == other.tiles) == (one.part != "test")


def test_slots_tell_nothing_of_the_label():
    """Tumour tiles are spread over all slots: each half holds some in eight bags of 20."""
    places = [
        slot
        for bag in draw(20)
        if bag.part == "train" and bag.label
        for slot, tile in enumerate(bag.tiles)
        if "/t" in tile
    ]

    assert len(places) == 80
    assert 20 < sum(slot < 20 for slot in places) < 60


def test_patients_with_too_few_tiles_take_no_part():
    """20 tumour tiles and 40 others are needed."""
    short = {"a": tiles_of("a", 19, 45), "b": tiles_of("b", 25, 39)}
    dealt = deal(POOLS | short)

    assert sorted(name for names in dealt.values() for name in names) == sorted(POOLS)
    assert {part: len(names) for part, names in dealt.items()} == {"train": 3, "val": 1, "test": 2}
    with pytest.raises(DatasetError, match="2 of 4 patients have 20 tumour tiles and 40 others"):
        deal(short | dict(list(POOLS.items())[:2]))


def test_stored_bags_are_read_again(tmp_path):
    """Slot by slot, whatever the order of the lines."""
    drawn = draw(10)
    path = tmp_path / "bags-10.csv"
    save(path, drawn)
    heading, *lines = path.read_text(encoding="utf-8").splitlines()
    assert heading == "bag,part,label,slot,tile"
    assert len(lines) == 18 * 40
    path.write_text("\n".join([heading, *reversed(lines)]), encoding="utf-8")

    assert sorted(load(path, PATIENTS)) == sorted(drawn)


@pytest.mark.parametrize(
    ("tiles", "line", "fault"),
    [
        ({0: "C3L-00000/x.png"}, "", r"line 2: tile 'C3L-00000/x\.png' is not in tiles\.csv"),
        ({0: "C3L-00001/n0.png"}, "", r"bag 'a': tiles of several patients"),
        ({39: None}, "", r"bag 'a': 39 slots; expected one tile in each of 0 to 39"),
        ({}, "a,train,0,7,C3L-00000/n44.png", r"line 42: slot 7 of bag 'a' is there already"),
        (
            {},
            "b,holdout,0,0,C3L-00000/n0.png",
            r"line 42: part is 'holdout'; expected one of train",
        ),
    ],
)
def test_faults_of_stored_bags_are_named(tmp_path, tiles, line, fault):
    slots = {slot: f"C3L-00000/n{slot}.png" for slot in range(40)} | tiles
    rows = [f"a,train,0,{slot},{tile}" for slot, tile in slots.items() if tile]
    path = tmp_path / "bags.csv"
    path.write_text("\n".join(["bag,part,label,slot,tile", *rows, line]), encoding="utf-8")

    with pytest.raises(DatasetError, match=fault):
        load(path, PATIENTS)


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("a.png,C3L-00004-21,2,", r"line 2: tumour is '2'; expected 1 or 0"),
        ("../a.png,C3L-00004-21,1,", r"line 2: tile '\.\./a\.png' leads out of the folder"),
        ("a.png,slide-7,1,", r"line 2: no patient, and slide 'slide-7' is not named as CPTAC"),
    ],
)
def test_faults_of_the_tiles_name_the_line(tmp_path, row, fault):
    path = tmp_path / "tiles.csv"
    path.write_text(f"tile,slide,tumour,patient\n{row}\n", encoding="utf-8")

    with pytest.raises(DatasetError, match=fault):
        read_pools(path)


def test_patients_come_from_the_table_or_the_slide_s_name(tmp_path):
    """The first nine characters are the case."""
    path = tmp_path / "tiles.csv"
    rows = "a.png,C3L-00004-21,1,\nb.png,C3L-00004-22,0,\nc.png,C3N-00148-21,0,x9\n"
    path.write_text(f"tile,slide,tumour,patient\n{rows}", encoding="utf-8")

    assert read_pools(path) == {
        "C3L-00004": Pool(["a.png"], ["b.png"]),
        "x9": Pool([], ["c.png"]),
    }


def test_tiles_become_images_in_the_order_of_their_slots(tmp_path):
    """Values name patient and tile; instance labels follow the table; absent files are named."""
    pillow = pytest.importorskip("PIL.Image", reason="tiles are read by Pillow")
    folder = tmp_path / "cptac-ccrcc"
    lines = ["tile,slide,tumour,patient"]
    for number, (name, pool) in enumerate(list(POOLS.items())[:3]):
        (folder / name).mkdir(parents=True)
        for place, tile in enumerate(pool.all):
            pixels = np.full((2, 2, 3), (number, place, 0), np.uint8)
            pillow.fromarray(pixels).save(folder / tile)
            lines.append(f"{tile},s,{int('/t' in tile)},{name}")
    (folder / "tiles.csv").write_text("\n".join(lines), encoding="utf-8")
    pools = dict(list(POOLS.items())[:3])
    drawn = list(Ccrcc(5, FEW).draw(pools))
    save(folder / "bags-5.csv", reversed(drawn))

    found = list(replace(Ccrcc(5), bags_of=FEW).bags(tmp_path))

    assert [bag.id for bag in found] == [bag.id for bag in reversed(drawn)]
    assert found[0].images.shape == (40, 3, 2, 2)
    for bag, plan in zip(found, reversed(drawn), strict=True):
        places = [pools[bag.patient].all.index(tile) for tile in plan.tiles]
        assert bag.images[:, 1, 0, 0].tolist() == places
        assert bag.instance_labels.tolist() == [int(place < 25) for place in places]
        assert bag.instance_labels.any() == bag.label
    (folder / drawn[0].tiles[0]).unlink()
    with pytest.raises(DatasetError, match=r"no such file, and tiles\.csv names it"):
        list(replace(Ccrcc(5), bags_of=FEW).bags(tmp_path))


def test_an_absent_table_is_named(tmp_path):
    record = load_registry().find("dataset", "milbench/cptac-ccrcc-20").record

    with pytest.raises(MissingDataError, match=r"tiles\.csv.*CC BY 4\.0"):
        list(record.load()(tmp_path))
