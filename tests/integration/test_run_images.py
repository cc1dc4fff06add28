"""A suite of pictures: methods on patches, on whole pictures and on colours in one table."""

import json

import pytest

PLUGIN = '''
    """Pictures of 40 x 48 pixels; the malignant ones have a bright square."""

    import numpy as np

    from milbench import Dataset, LabelledBag, Tiler, hookimpl


    def bags(data):
        generator = np.random.default_rng(0)
        for number in range(32):
            label = number % 2
            picture = generator.integers(0, 120, (40, 48, 3), dtype=np.uint8)
            picture[4:20, :16] += np.uint8(120 * label)
            yield LabelledBag(
                id=f"{number:03d}", patient=f"p{number // 2}", label=label, picture=picture
            )


    @hookimpl
    def milbench_datasets():
        yield Dataset(
            name="spots", target=bags, summary="for tests", classes=("dark", "bright"),
            tiler="picture", encoder="pixels",
        )


    @hookimpl
    def milbench_tilers():
        patches = "milbench_tilers.centred_grid:CentredGrid"
        yield Tiler(name="patches", target=patches, summary="for tests")
        yield Tiler(name="picture", target="milbench_tilers.whole:Whole", summary="for tests")
'''

SUITE = """
name = "spots"
datasets = ["spots"]

[splits]
repeats = 1
folds = 2
validation = 0.25

[report]
reference = "mean"
draws = 300

[[methods]]
name = "mean"
tiler = { name = "patches", args = { px = 16, rows = 2, columns = 3 } }
encoder = "colour-texture"
train = { epochs = 3 }

[[methods]]
name = "amil"
tiler = { name = "patches", args = { px = 16, rows = 2, columns = 3 } }
train = { epochs = 4, lr = 1e-3 }

[[methods]]
name = "resnet18-linear"
args = { image = [3, 40, 48], weights = "random", width = 8 }
train = { epochs = 2 }

[[methods]]
name = "own-cnn"
args = { image = [3, 40, 48], crop = 32 }
train = { epochs = 2 }
"""


@pytest.fixture
def section(install, run, tmp_path):
    """Run the suite, and return its only table."""
    install("milbench-spots", PLUGIN)
    path = tmp_path / "spots.toml"
    path.write_text(SUITE)
    done = run(path)
    assert done.returncode == 0, done.stderr
    table = json.loads((tmp_path / "leaderboards/spots/leaderboard.json").read_text())
    (found,) = table["sections"]
    return found


def test_image_methods_stand_beside_those_on_features(section, tmp_path):
    """Each in its own view, on the same folds; only what is trained is counted."""
    rows = {row["method"]: row for row in section["rows"]}

    assert {name: row["runs"]["done"] for name, row in rows.items()} == dict.fromkeys(rows, 2)
    assert set(rows) == {"mean", "amil", "resnet18-linear", "own-cnn"}
    runs = (tmp_path / "results/spots/runs").glob("**/*.json")
    records = {record["method"]: record for record in (json.loads(run.read_text()) for run in runs)}
    assert {name: (record["tiler"], record["encoder"]) for name, record in records.items()} == {
        "mean": ("patches(columns=3, px=16, rows=2)", "colour-texture"),
        "amil": ("patches(columns=3, px=16, rows=2)", "pixels"),
        "resnet18-linear": ("picture", "pixels"),
        "own-cnn": ("picture", "pixels"),
    }
    assert records["resnet18-linear"]["parameters"] == 65 * 2  # 8 x 8 features and a bias
