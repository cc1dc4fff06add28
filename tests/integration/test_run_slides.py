"""From slide files to a leaderboard, with damaged ones among them."""

import json
import tomllib
from pathlib import Path

import pytest

from milbench.check import faults
from milbench.registry import load_registry

pytest.importorskip("openslide", reason="slides are read with OpenSlide")
pytest.importorskip("tifffile", reason="slides are written with tifffile")

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"

PLUGIN = '''
    """Drawn slides, of which one is no slide, and one loses its file."""

    from pathlib import Path

    from milbench import Dataset, LabelledBag, Slide, hookimpl
    from milbench_datasets.slides_toy import bags


    def some(data):
        for number, bag in enumerate(bags(data)):
            if number == 14:
                return
            if number == 12:
                yield LabelledBag(id="text", label=0, picture=Slide(Path(__file__)))
            if number == 13:
                yield LabelledBag(id="gone", label=1, picture=Slide(data / "gone.svs"))
            yield bag


    @hookimpl
    def milbench_datasets():
        yield Dataset(
            name="some-slides", target=some, summary="for tests", classes=("a", "b", "c"),
            task="multi-class", primary_metric="balanced-accuracy", encoder="colour-texture",
            tiler="tissue", tiler_args={"tile_px": 64, "mpp": 1.0, "mask_mpp": 8.0},
        )
'''

SUITE = """
name = "some"
datasets = ["some-slides"]

[splits]
repeats = 1
folds = 2

[report]
reference = "prior"
draws = 300

[[methods]]
name = "prior"

[[methods]]
name = "pooled-logistic"
"""


def test_the_suite_has_no_faults():
    """It names the two data sets of slides, and methods with controls."""
    suite = BENCHMARKS / "slides.toml"

    assert faults(suite, load_registry()) == []
    content = tomllib.loads(suite.read_text())
    assert content["datasets"] == ["slides-toy", "slides-cmu"]
    assert {"prior", "bag-size", "mean", "abmil"} <= {one["name"] for one in content["methods"]}


def test_damaged_slides_are_named_in_the_leaderboard(run, install, tmp_path):
    """The run goes on with the rest; each is one line, and a note names them without folders."""
    install("milbench-some", PLUGIN)
    suite = tmp_path / "some.toml"
    suite.write_text(SUITE)

    done = run(suite)

    assert done.returncode == 0, done.stderr
    assert "left out bag 'text': no slide of a known format" in done.stderr
    assert "left out bag 'gone': no such file" in done.stderr
    assert "some-slides: features of 8 of 16 slides" in done.stderr
    table = json.loads((tmp_path / "leaderboards/some/leaderboard.json").read_text())
    (section,) = table["sections"]
    (note,) = [note for note in section["notes"] if "could not be read" in note]
    assert note.startswith("left out, as they could not be read: text (no slide of a known format")
    assert note.endswith("; gone (no such file)")
    again = run(suite)
    assert "left out bag" not in again.stderr  # the features are there
    assert "slide 'gone': no such file" in again.stderr
    assert note in again.stdout.replace("\n", " ")
