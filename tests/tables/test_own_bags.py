"""Bags of own data: what fits together is read exactly, and what does not is told, not guessed."""

import h5py
import numpy as np
import pytest

from milbench.errors import DatasetError, MissingDataError
from milbench.features import cached_features
from milbench.records import Encoder
from milbench.tables.bags import OwnBags
from milbench.tables.offer import record_of
from milbench.view import View


def opened(clinic, **said):
    return OwnBags(clinic.own(**said), clinic.folder, clinic.folder / "cache")


def read(bags, encoder=""):
    """Return all bags of one view, in order."""
    return list(bags.view(encoder)(bags.folder))


def told(bags):
    """Return slide and kind of everything that is left out."""
    return {(one.slide, one.kind) for one in bags.left_out()}


def test_a_slide_is_a_bag_with_its_patient_and_label(clinic):
    bags = read(opened(clinic.write()))

    assert [[b.id, b.patient, "ab"[b.label]] for b in bags] == clinic.rows
    for bag in bags:
        np.testing.assert_array_equal(bag.x, clinic.features[bag.id])


def test_early_fusion_joins_the_instances_of_a_patient(clinic):
    """A bag a patient: the instances of its slides one after the other, in the table's order."""
    bags = read(opened(clinic.write(), fusion="early"))

    assert [bag.id for bag in bags] == [f"p{n}" for n in range(12)]
    for number, bag in enumerate(bags):
        slides = [clinic.features[f"{2 * number + n:03d}"] for n in (0, 1)]
        np.testing.assert_array_equal(bag.x, np.concatenate(slides))
        assert bag.coords is None


def test_names_with_endings_and_folders_are_the_same_slides(clinic):
    """``0017.svs`` in the table is ``0017.npy`` in the folder."""
    clinic.rows = [[f"slides/{slide}.svs", *rest] for slide, *rest in clinic.rows]

    assert len(read(opened(clinic.write()))) == 24


def test_what_has_no_partner_is_left_out_and_told(clinic):
    """Labels without slides, slides without labels, and labels of no class: all in one reading."""
    clinic.write()
    (clinic.folder / "features" / "003.npy").unlink()
    (clinic.folder / "features" / "more").mkdir()
    np.save(clinic.folder / "features" / "more" / "new.npy", np.ones((2, 4), np.float32))
    clinic.rows[5][2] = "c"
    clinic.rows[6][2] = ""
    clinic.features = {}
    bags = opened(clinic.write(), classes=("a", "b"))

    assert {bag.id for bag in read(bags)} == {f"{n:03d}" for n in range(24)} - {"003", "005", "006"}
    assert told(bags) == {
        ("003", "no features"),
        ("005", "label of no class"),
        ("006", "no label"),
        ("new", "no line in the table"),
    }


def break_files(folder):
    """Spoil six files of the folder, each in another way; return slide and kind of each."""
    np.save(folder / "000.npy", np.ones((3, 5), np.float32))
    np.save(folder / "001.npy", np.full((3, 4), np.nan, np.float32))
    np.save(folder / "002.npy", np.array([[1, 2, np.inf, 4]], np.float32))
    np.save(folder / "003.npy", np.empty((0, 4), np.float32))
    (folder / "004.npy").write_bytes((folder / "004.npy").read_bytes()[:-7])
    (folder / "005.npy").unlink()
    with h5py.File(folder / "005.h5", "w") as file:
        file["imgs"] = np.ones((2, 4))
    return {
        ("000", "other dimension"),
        ("001", "not finite"),
        ("002", "not finite"),
        ("003", "no instances"),
        ("004", "file unreadable"),
        ("005", "file unreadable"),
    }


def test_files_that_cannot_be_used_are_told_and_the_rest_is_read(clinic):
    expected = break_files(clinic.write().folder / "features")
    bags = opened(clinic)

    assert [bag.id for bag in read(bags)] == [f"{n:03d}" for n in range(6, 24)]
    assert told(bags) == expected
    assert all(one.reason and one.place.endswith((".npy", ".h5")) for one in bags.left_out())


def test_early_fusion_keeps_the_other_slides_of_a_patient(clinic):
    np.save(clinic.write().folder / "features" / "001.npy", np.full((3, 4), np.nan, np.float32))

    first = read(opened(clinic, fusion="early"))[0]

    np.testing.assert_array_equal(first.x, clinic.features["000"])


def test_views_have_the_same_bags(clinic):
    """A slide that cannot be used in one folder is left out of all, so that splits are the same."""
    clinic.write("one").write("two")
    np.save(clinic.folder / "two" / "010.npy", np.full((3, 4), np.nan, np.float32))
    (clinic.folder / "one" / "011.npy").unlink()
    bags = opened(clinic, features={"uni": "one", "resnet": "two"})

    ids = [[bag.id for bag in read(bags, view)] for view in ("uni", "resnet")]

    assert ids[0] == ids[1] == [f"{n:03d}" for n in range(24) if n not in (10, 11)]
    assert told(bags) == {("010", "not finite"), ("011", "no features")}


@pytest.mark.parametrize("differ", ["dimension", "precision"])
def test_files_of_two_encoders_are_an_error(clinic, differ):
    """Half of the files are of another kind: no minority that could be a mistake."""
    for slide in list(clinic.features)[12:]:
        x = clinic.features[slide]
        other = x[:, :3] if differ == "dimension" else x.astype(np.float16)
        clinic.features[slide] = other

    with pytest.raises(DatasetError, match=f"encoders are mixed: 12 of 24 differ.*{differ}"):
        read(opened(clinic.write()))


def test_files_that_name_another_encoder_are_an_error(clinic):
    """TRIDENT and STAMP write the encoder into their files; equal dimensions hide a mixture."""
    folder = clinic.folder / "features"
    folder.mkdir()
    for number, (slide, x) in enumerate(clinic.features.items()):
        with h5py.File(folder / f"{slide}.h5", "w") as file:
            file["features"] = x
            file["features"].attrs["encoder"] = "uni_v1" if number < 12 else "conch_v1"
    clinic.features = {}

    with pytest.raises(DatasetError, match="encoder conch_v1, and uni_v1 in the other files"):
        read(opened(clinic.write()))


def test_a_patient_in_two_classes_is_sound_while_slides_are_bags(clinic):
    """Each slide has a label of its own; where slides are joined, a patient needs one."""
    clinic.rows[1][2] = "b"
    clinic.write()

    assert len(read(opened(clinic))) == 24
    for fusion, bags in (("early", 11), ("late", 22)):
        joined = opened(clinic, fusion=fusion)
        assert len(read(joined)) == bags
        assert told(joined) == {
            ("000", "patient in two classes"),
            ("001", "patient in two classes"),
        }


def test_patients_of_two_classes_are_noted(clinic):
    """They are sound while slides are bags, and a reader should know."""
    clinic.rows[1][2] = "b"
    record = record_of(clinic.write().own(), clinic.folder, clinic.folder / "cache")

    assert "Patients with slides of several classes: 1; each slide has its own." in record.notes(
        clinic.folder
    )


def test_a_link_to_a_folder_above_is_no_trap(clinic):
    (clinic.write().folder / "features" / "again").symlink_to(clinic.folder / "features")

    assert len(read(opened(clinic))) == 24


def test_two_files_of_one_slide_are_an_error(clinic):
    """CLAM's folder holds each slide twice, in pt_files and in h5_files."""
    clinic.write()
    np.save(clinic.folder / "features" / "000.svs.npy", np.ones((1, 4)))

    with pytest.raises(DatasetError, match="1 slides have several files, such as '000'"):
        read(opened(clinic))


def test_a_table_that_names_other_slides_shows_one_of_each(clinic):
    clinic.rows = [[f"x{slide}", *rest] for slide, *rest in clinic.rows]

    with pytest.raises(DatasetError, match=r"has 'x000' .*the folder has '000'"):
        read(opened(clinic.write()))


def test_an_absent_folder_is_missing_data(clinic):
    with pytest.raises(MissingDataError, match="no such folder"):
        read(opened(clinic.write(), features="elsewhere"))


def test_sites_and_parts_reach_the_bags(clinic):
    clinic.heading += ["site", "split"]
    clinic.rows = [[*row, f"h{int(row[0]) % 2}", "train"] for row in clinic.rows]

    slides = read(opened(clinic.write()))
    patients = read(opened(clinic, fusion="early"))

    assert [(bag.site, bag.part) for bag in slides[:2]] == [("h0", "train"), ("h1", "train")]
    assert {(bag.site, bag.part) for bag in patients} == {("", "train")}  # two sites are none


def with_coords(clinic, unit):
    """Write HDF5 files with coordinates whose unit is stated as STAMP does."""
    folder = clinic.folder / "features"
    folder.mkdir()
    for slide, x in clinic.features.items():
        with h5py.File(folder / f"{slide}.h5", "w") as file:
            file["feats"] = x
            file["coords"] = np.arange(2.0 * len(x)).reshape(-1, 2)
            file.attrs.update({"unit": unit} if unit else {})
    clinic.features = {}
    return clinic.write()


@pytest.mark.parametrize(("stated", "unit"), [("um", "micrometres"), ("", "")])
def test_coordinates_keep_their_unit_and_are_never_made_up(clinic, stated, unit):
    """As far as the feature store, which is what maps are drawn from."""
    own = with_coords(clinic, stated).own()
    record = record_of(own, clinic.folder, clinic.folder / "cache")
    view = View(Encoder(name="precomputed", target=print, summary="-"))

    stored = cached_features(record, view, data=clinic.folder, cache=clinic.folder / "cache")

    np.testing.assert_array_equal(stored.coords[:2], [[0, 1], [2, 3]])
    assert stored.coords_unit == unit
    assert read(opened(clinic, fusion="early"))[0].coords is None
