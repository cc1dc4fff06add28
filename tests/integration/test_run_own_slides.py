"""From one's own table and folder of slides to a leaderboard in one command."""

import csv
import json

import pytest

from milbench_datasets.drawn_slide import write_pyramid
from milbench_datasets.slides_toy import CLASSES, draw

pytest.importorskip("openslide", reason="slides are read with OpenSlide")
pytest.importorskip("tifffile", reason="slides are written with tifffile")

SLIDES = 12


@pytest.fixture
def clinic(tmp_path):
    """Write 12 slides of 12 patients, and one that is none; one label has no slide."""
    folder = tmp_path / "clinic"
    (folder / "slides").mkdir(parents=True)
    rows = [["slide_id", "patient_id", "label"]]
    for number in range(SLIDES):
        write_pyramid(folder / "slides" / f"{number:03d}.tiff", draw(number))
        rows.append([f"{number:03d}.tiff", f"p{number}", CLASSES[number % 3]])
    (folder / "slides" / "text.svs").write_bytes(b"no slide")
    rows += [["text", "p97", "plain"], ["gone", "p98", "spots"]]
    with (folder / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return folder


@pytest.fixture
def own(milbench, folders, tmp_path):
    """Return a function that runs own slides, with everything below ``tmp_path``."""

    def command(folder, *arguments):
        tables = ["--leaderboards", str(tmp_path / "leaderboards"), "--device", "cpu"]
        given = ["--bags", str(folder / "labels.csv"), "--slides", str(folder / "slides")]
        small = ["--methods", "bag-size", "--repeats", "1", "--folds", "3"]
        return milbench("run", *given, *small, *folders, *tables, *arguments)

    return command


def test_slides_are_cut_encoded_and_ranked(own, clinic, milbench, folders, tmp_path):
    """What cannot be read is told and kept; nothing is encoded twice, by this command or others."""
    tiling = ("--set", "mpp=1.0", "--set", "tile_px=64")
    done, again = own(clinic, *tiling), own(clinic, *tiling)
    suite = ("--suite", "clinic", *folders)
    encoded = milbench("encode", "clinic", "colour-texture", *suite)
    drawn = milbench("tiles", "clinic", *suite[:4], "--first", "1", "--out", str(tmp_path / "t"))

    assert done.returncode == again.returncode == encoded.returncode == 0, done.stderr
    text = (tmp_path / "leaderboards" / "clinic" / "leaderboard.json").read_text(encoding="utf-8")
    (section,) = json.loads(text)["sections"]
    assert sum(section["bags"]) == SLIDES
    for told in (done, again):
        assert "slide 'gone': no file of slide" in told.stderr
        assert "slide 'text': no TIFF" in told.stderr
    with (tmp_path / "results" / "clinic" / "left-out-clinic.csv").open(newline="") as file:
        assert [row["slide"] for row in csv.DictReader(file)] == ["gone", "text"]
    assert "0 done, 3 done before" in again.stderr
    assert "was there already" in encoded.stdout
    assert drawn.returncode == 0, drawn.stderr
    assert list((tmp_path / "t").glob("clinic/000.png"))


def test_encoders_and_a_tiler_are_chosen_by_name(own, clinic, tmp_path):
    """A section for each encoder, on the same tiles of the same bags."""
    (clinic / "slides" / "text.svs").unlink()
    chosen = ("--encoder", "colour-texture", "--encoder", "random-conv")

    done = own(clinic, "--tiler", "grid", "--set", "px=512", *chosen)

    assert done.returncode == 0, done.stderr
    text = (tmp_path / "leaderboards" / "clinic" / "leaderboard.json").read_text(encoding="utf-8")
    sections = json.loads(text)["sections"]
    seen = [section["encoder"] for section in sections]
    assert seen == [f"grid(px=512) > {name}" for name in chosen[1::2]]
    assert {sum(section["bags"]) for section in sections} == {SLIDES}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--features", "x"), "one of them"),
        (("--fusion", "early"), "use late"),
        (("--encoder", "unii"), "encoders[0]: unknown encoder 'unii'"),
        (("--set", "tile=64"), "tilers[0].args.tile: no setting of tissue"),
        (("--set", "tile_px"), "expected a name and a TOML value"),
    ],
)
def test_wrong_usage_says_what_to_write_and_ends_with_2(own, clinic, arguments, said):
    done = own(clinic, *arguments)

    assert done.returncode == 2
    assert said in done.stderr


def test_what_is_said_of_tiles_needs_slides(milbench, clinic):
    """Features are encoded already."""
    given = ("--bags", str(clinic / "labels.csv"), "--features", str(clinic), "--encoder", "uni")

    done = milbench("run", *given)

    assert done.returncode == 2
    assert "--encoder: only with --slides" in done.stderr
