"""Own data whose slides, and not features, are in the folder: each slide is a picture to be cut."""

import pytest
from pydantic import ValidationError

from milbench.errors import DatasetError
from milbench.own_data import OwnData
from milbench.suite import load_suite
from milbench.tables.bags import OwnBags
from milbench.tables.offer import record_of


@pytest.fixture
def scans(clinic):
    """Return 24 slides of 12 patients, each an unread file, and the data set."""
    clinic.write()
    folder = clinic.folder / "slides"
    folder.mkdir()
    for slide in clinic.features:
        (folder / f"{slide}.svs").write_bytes(b"a slide")
    return clinic


def of(scans, **said):
    return scans.own(**{"features": "", "slides": "slides"} | said)


def test_every_slide_is_a_bag_with_its_file_unopened(scans):
    """Listing opens nothing: these files are no slides."""
    bags = OwnBags(of(scans), scans.folder, scans.folder)

    found = list(bags.view("")(scans.folder))

    assert [[b.id, b.patient, "ab"[b.label]] for b in found] == scans.rows
    assert [b.picture.path.name for b in found] == [f"{row[0]}.svs" for row in scans.rows]


def test_labels_and_slides_without_partner_are_told(scans):
    (scans.folder / "slides" / "003.svs").unlink()
    (scans.folder / "slides" / "more.tiff").write_bytes(b"a slide")

    told = OwnBags(of(scans), scans.folder, scans.folder).left_out()

    assert {(one.slide, one.kind) for one in told} == {
        ("003", "no slide"),
        ("more", "no line in the table"),
    }


def test_the_record_is_of_pictures_and_changes_with_a_file(scans):
    """So a suite's tilers and encoders hold for it, and a new scan is encoded again."""
    first = record_of(of(scans), scans.folder, scans.folder)
    (scans.folder / "slides" / "003.svs").write_bytes(b"another slide")
    second = record_of(of(scans), scans.folder, scans.folder)

    assert first.tiler
    assert first.encoder != "precomputed"
    assert first.version != second.version


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ({}, "features: no folder"),
        ({"features": "a", "slides": "b"}, "features and slides: give one"),
        ({"slides": "b", "fusion": "early"}, "use late"),
    ],
)
def test_what_cannot_be_meant_is_refused(said, fault):
    with pytest.raises(ValidationError, match=fault):
        OwnData(name="clinic", bags="labels.csv", **said)


def test_a_folder_without_slides_names_their_endings(scans):
    """Files of features are no slides."""
    with pytest.raises(DatasetError, match=r"no file of slides; expected .*\.svs.*\.png"):
        _ = OwnBags(of(scans, slides="features"), scans.folder, scans.folder).matched


def test_suites_of_features_keep_their_digest(tmp_path):
    """Their results stay theirs: the digest is that of the file's content as it was before."""
    path = tmp_path / "s.toml"
    text = 'name = "s"\n[[dataset]]\nname = "d"\nbags = "l.csv"\n{}\n[[methods]]\nname = "mean"\n'
    path.write_text(text.format('features = "f"'), encoding="utf-8")
    suite = load_suite(path)
    path.write_text(text.format('slides = "f"'), encoding="utf-8")

    assert suite.digest == "12c9e87047847883"
    assert suite.digest != load_suite(path).digest
