"""A suite on pictures: tilers of the suite, and a method that sees the pictures in its own way."""

import json

import pytest

PLUGIN = '''
    """Pictures whose class is the brightness of one corner."""

    import numpy as np

    from milbench import Dataset, LabelledBag, Tiler, hookimpl


    def bags(data):
        generator = np.random.default_rng(0)
        for number in range(40):
            label = number % 2
            picture = generator.integers(0, 100, (8, 12, 3), dtype=np.uint8)
            picture[:4, :4] += np.uint8(100 * label)
            yield LabelledBag(
                id=f"{number:03d}", patient=f"p{number // 2}", label=label, picture=picture
            )


    @hookimpl
    def milbench_datasets():
        yield Dataset(
            name="corners", target=bags, summary="for tests", classes=("dark", "bright"),
            tiler="squares", tiler_args={"px": 4}, encoder="flat-pixels",
        )


    @hookimpl
    def milbench_tilers():
        yield Tiler(name="squares", target="milbench_tilers.grid:Grid", summary="for tests")
        yield Tiler(name="all", target="milbench_tilers.whole:Whole", summary="for tests")
'''

SUITE = """
name = "corners"
datasets = ["corners"]
{tilers}

[splits]
repeats = 2
folds = 4
validation = 0.25

[train]
epochs = 2

[report]
reference = "mean"
draws = 300

[[methods]]
name = "mean"

[[methods]]
name = "pooled-logistic"
label = "whole picture"
tiler = "all"
"""


@pytest.fixture
def corners(install, tmp_path):
    """Return a function that installs the plugin and writes the suite with its tilers."""
    install("milbench-corners", PLUGIN)

    def write(tilers=""):
        path = tmp_path / "corners.toml"
        path.write_text(SUITE.format(tilers=tilers))
        return path

    return write


def sections(tmp_path):
    table = json.loads((tmp_path / "leaderboards/corners/leaderboard.json").read_text())
    return table["sections"]


def records(tmp_path):
    paths = (tmp_path / "results/corners/runs").glob("**/*.json")
    return [json.loads(path.read_text()) for path in paths]


def test_a_data_set_of_pictures_is_cut_by_its_own_tiler(run, corners, tmp_path):
    """Records name the tiler with its settings; a method's own view stands in the same table."""
    done = run(corners())

    assert done.returncode == 0, done.stderr
    (section,) = sections(tmp_path)
    assert section["encoder"] == "squares(px=4) > flat-pixels"
    assert "Seen through all > flat-pixels: whole picture." in section["notes"]
    assert {row["method"]: row["runs"]["done"] for row in section["rows"]} == {
        "mean": 8,
        "whole picture": 8,
    }
    assert {(r["method"], r["tiler"]) for r in records(tmp_path)} == {
        ("mean", "squares(px=4)"),
        ("whole picture", "all"),
    }


def test_both_views_are_split_alike(run, corners, tmp_path):
    """A test of two methods is paired: fold by fold they are tested on the same bags."""
    run(corners())

    tested = {}
    for record in records(tmp_path):
        place = (record["repeat"], record["fold"])
        tested.setdefault(place, set()).add(tuple(record["test"]["bag"]))
    assert len(tested) == 8
    assert all(len(bags) == 1 for bags in tested.values())


def test_each_tiler_of_a_suite_is_a_section(run, corners, tmp_path):
    """A method with its own tiler is trained once and shown in both."""
    done = run(corners('tilers = ["all", { name = "squares", args = { px = 2 } }]'))

    assert done.returncode == 0, done.stderr
    assert "24 done, 0 done before, 0 skipped, 0 failed" in done.stderr
    first, second = sections(tmp_path)
    assert first["encoder"] == "all > flat-pixels"
    assert second["encoder"] == "squares(px=2) > flat-pixels"
    rows = [
        next(row for row in section["rows"] if row["method"] == "whole picture")
        for section in (first, second)
    ]
    assert [row["runs"]["done"] for row in rows] == [8, 8]


def test_a_finished_suite_trains_nothing_and_other_settings_train_anew(run, corners):
    """The key of a run follows from how its pictures were cut."""
    run(corners())

    again = run(corners())
    other = run(corners('tilers = [{ name = "squares", args = { px = 2 } }]'))

    assert "0 done, 16 done before" in again.stderr
    assert "8 done, 8 done before" in other.stderr


def test_a_view_that_cannot_be_made_stops_its_method_only(run, corners):
    """The others are trained; what is lost is counted as failed, and the message names the view."""
    path = corners()
    path.write_text(path.read_text().replace('"all"', '{ name = "squares", args = { px = 99 } }'))

    done = run(path)

    assert done.returncode == 1
    assert "failed corners: through squares(px=99) > flat-pixels: no bags" in done.stderr
    assert "the first '000': a picture of 12 x 8 holds no square of 99" in done.stderr
    assert "8 done, 0 done before, 0 skipped, 8 failed" in done.stderr


def test_faults_of_tilers_are_listed(milbench, corners, tmp_path):
    """Unknown tilers, unknown settings, and data sets that give no pictures."""
    path = corners('tilers = ["square", { name = "squares", args = { width = 2 } }]')
    path.write_text(path.read_text().replace('["corners"]', '["corners", "digits-bags"]'))
    done = milbench("validate", str(path))

    assert done.returncode == 2
    text = " ".join(done.stderr.split())
    assert "tilers[0]: unknown tiler 'square', did you mean 'squares'?" in text
    assert "tilers[1].args.width: no setting of squares; settings: px, stride" in text
    assert "datasets[1]: 'digits-bags' gives no pictures, which a tiler needs" in text
