"""Encoding ahead of a run: weights, precision and training on own tiles are part of features."""

import json
from hashlib import sha256

import numpy as np
import pytest
import torch

from milbench.features import open_features

PLUGIN = '''
    """Images of one brightness a bag, and encoders whose only weight is a number."""

    import numpy as np
    import torch

    from milbench import Dataset, Encoder, LabelledBag, Weights, hookimpl


    def bags(data, parts=True):
        for number in range(40):
            label = number % 2
            part = ("train" if number < 20 else "test") if parts else ""
            images = np.full((3, 1, 4, 4), 10 * label + number, np.uint8)
            yield LabelledBag(id=f"{number:03d}", label=label, images=images, part=part)


    def unparted(data):
        return bags(data, parts=False)


    class Scaled:
        def __init__(self, weights):
            state = torch.load(weights, weights_only=True)
            self.scale = state.get("state_dict", state)["scale"].item()

        def __call__(self, tiles):
            return (tiles[:, :, 0, 0] * self.scale).astype(np.float32)


    def train(images, rows, schedule):
        for epoch in range(schedule.epochs):
            schedule.report(epoch, 1.0)
        return {"scale": torch.tensor(float(images[rows].mean()))}


    @hookimpl
    def milbench_datasets():
        shared = {"summary": "for tests", "classes": ("low", "high"), "cohort": "tcga-grey"}
        yield Dataset(name="greys", target=bags, encoder="flat-pixels", **shared)
        yield Dataset(name="whole-greys", target=unparted, encoder="flat-pixels", **shared)


    @hookimpl
    def milbench_encoders():
        yield Encoder(
            name="scaled", target=Scaled, summary="for tests", pretraining_data=("TCGA (grey)",),
            weights=Weights(file="scale.pt", page="https://example.org"),
        )
        for name, seen in (("learnt", "train"), ("learnt-transductive", "all")):
            yield Encoder(
                name=name, target=Scaled, summary="for tests", pretrain=train, pretrained_on=seen
            )
'''

SUITE = """
name = "greys"
datasets = ["{dataset}"]
encoders = {encoders}

[splits]
repeats = 1
folds = 2
validation = 0.25

[train]
epochs = 1

[report]
draws = 300

[[methods]]
name = "pooled-logistic"
"""


@pytest.fixture
def greys(install, tmp_path, monkeypatch):
    """Install the plugin and return a function that writes a suite with its encoders."""
    install("milbench-greys", PLUGIN)
    monkeypatch.delenv("MILBENCH_WEIGHTS", raising=False)

    def write(*encoders, dataset="greys"):
        path = tmp_path / "greys.toml"
        path.write_text(SUITE.format(encoders=json.dumps(encoders), dataset=dataset))
        return path

    return write


@pytest.fixture
def encode(milbench, greys, tmp_path):
    """Return a function that runs ``milbench encode`` with the test's folders."""

    def call(*arguments):
        places = ("--cache", str(tmp_path / "cache"), "--data", str(tmp_path / "data"))
        return milbench("encode", *arguments, *places)

    return call


def weights(tmp_path, scale, name="weights"):
    folder = tmp_path / name
    folder.mkdir(exist_ok=True)
    torch.save({"scale": torch.tensor(scale)}, folder / "scaled.pt")
    return str(folder)


def stored(tmp_path, pattern, dataset="greys"):
    return sorted((tmp_path / "cache" / dataset).glob(pattern))


def sections(tmp_path):
    table = json.loads((tmp_path / "leaderboards/greys/leaderboard.json").read_text())
    return {section["encoder"]: section for section in table["sections"]}


def test_features_made_ahead_are_found_by_a_run(encode, run, greys, tmp_path):
    """Also where the weights are not there any more: features know which they were made of."""
    done = encode("greys", "scaled", "--weights", weights(tmp_path, 2.0))
    assert done.returncode == 0, done.stderr
    assert "40 bags, 120 tiles, 1 float32, 0.0 MB; 120 tiles in" in done.stdout
    (path,) = stored(tmp_path, "scaled-*.h5")
    built = path.stat().st_mtime_ns

    ran = run(greys("scaled"))

    assert ran.returncode == 0, ran.stderr
    assert stored(tmp_path, "scaled-*.h5") == [path]
    assert path.stat().st_mtime_ns == built
    assert sections(tmp_path)["scaled"]["rows"][0]["runs"]["done"] == 2


def test_features_are_those_of_the_weights(encode, tmp_path):
    """Bag 1 has bytes of 11; other weights make other features, and neither replaces the other."""
    first = encode("greys", "scaled", "--weights", weights(tmp_path, 2.0))
    again = encode("greys", "scaled", "--weights", weights(tmp_path, 2.0))
    encode("greys", "scaled", "--weights", weights(tmp_path, 3.0, name="others"))

    assert "was there already" in again.stdout
    assert first.stdout.split()[-1] == again.stdout.split()[-1]
    found = [open_features(path) for path in stored(tmp_path, "scaled-*.h5")]
    assert sorted(features.bag(1)[0, 0] for features in found) == [22.0, 33.0]
    assert len({features.weights for features in found}) == 2
    assert all(len(features.weights) == 64 for features in found)


def test_what_another_data_set_has_encoded_is_told(encode, tmp_path):
    """The same pictures under another name: no tile is encoded, and the disk holds them once."""
    folder = weights(tmp_path, 2.0)
    encode("greys", "scaled", "--weights", folder)
    done = encode("whole-greys", "scaled", "--weights", folder)

    assert done.returncode == 0, done.stderr
    assert "0 tiles in" in done.stdout
    assert "40 bags were encoded before, for another data set or version" in done.stdout
    assert "lie on the disk once" in done.stdout


def test_features_of_two_weights_are_not_guessed_between(encode, run, greys, tmp_path):
    """A run that is not told which weights it should use says what to do."""
    for scale in (2.0, 3.0):
        encode("greys", "scaled", "--weights", weights(tmp_path, scale))

    ran = run(greys("scaled"))

    assert "2 files of features of encoder 'scaled', of different weights" in ran.stderr
    assert "MILBENCH_WEIGHTS" in ran.stderr


def test_a_view_without_weights_is_skipped_and_the_others_run(run, greys, tmp_path):
    """The reason names the encoder and where to get the weights; the status is that of done."""
    ran = run(greys("flat-pixels", "scaled"))

    assert ran.returncode == 0, ran.stderr
    assert "skipped greys (scaled): encoder 'scaled': no weights" in ran.stderr
    assert "https://example.org" in ran.stderr
    assert set(sections(tmp_path)) == {"flat-pixels"}
    assert not any(
        "left this data set out" in n for n in sections(tmp_path)["flat-pixels"]["notes"]
    )


def test_training_on_tiles_sees_the_training_part_only(encode, tmp_path):
    """The weight is the mean byte of the bags 0 to 19: half of them 10 brighter, so 9.5 + 5."""
    done = encode("greys", "learnt", "--pretrain", "--epochs", "2")

    assert done.returncode == 0, done.stderr
    assert "trained on the tiles of the official training part, without labels" in done.stdout
    (path,) = stored(tmp_path, "learnt-weights-*.pt")
    saved = torch.load(path, weights_only=True)
    assert saved["state_dict"]["scale"].item() == 14.5
    about = json.loads(saved["about"])
    assert (about["pretrained_on"], about["rows"], about["epochs"]) == ("train", 60, 2)
    (features,) = (open_features(p) for p in stored(tmp_path, "learnt-[0-9a-f]*.h5"))
    np.testing.assert_allclose(features.bag(1), 11 * 14.5)


def test_what_sees_test_tiles_says_so_in_its_name(encode, tmp_path):
    """The mean byte of all 40 bags is 19.5 + 5."""
    done = encode("greys", "learnt-transductive", "--pretrain", "--epochs", "1")

    assert "trained on all tiles, those of test bags too, without labels" in done.stdout
    (path,) = stored(tmp_path, "learnt-transductive-weights-*.pt")
    assert torch.load(path, weights_only=True)["state_dict"]["scale"].item() == 24.5


def test_without_a_training_part_only_the_other_name_is_left(encode):
    """Every bag of a cross-validation is a test bag of some fold."""
    done = encode("whole-greys", "learnt", "--pretrain")

    assert done.returncode == 2
    assert "'whole-greys' has none: every bag is a test bag of some fold" in done.stderr
    assert "learnt-transductive" in done.stderr


def test_simclr_from_tiles_to_features(encode, tmp_path, monkeypatch):
    """The built-in encoder, an eighth as wide: trained on 60 grey tiles, 64 features each."""
    monkeypatch.setattr("milbench_encoders.simclr.WIDTH", 8)

    done = encode(
        *("greys", "resnet18-simclr", "--pretrain"),
        *("--epochs", "1", "--pretrain-batch", "20", "--lr", "1e-3"),
    )

    assert done.returncode == 0, done.stderr
    (path,) = stored(tmp_path, "resnet18-simclr-weights-*.pt")
    assert json.loads(torch.load(path, weights_only=True)["about"])["rows"] == 60
    (features,) = (open_features(p) for p in stored(tmp_path, "resnet18-simclr-[0-9a-f]*.h5"))
    assert features.array.shape == (120, 64)
    assert features.weights == sha256(path.read_bytes()).hexdigest()


def test_a_precision_has_features_and_a_section_of_its_own(encode, run, greys, tmp_path):
    """The option and the name mean the same features."""
    encode("greys", "random-conv", "--precision", "bfloat16")
    (path,) = stored(tmp_path, "random-conv-bfloat16-*.h5")
    assert open_features(path).precision == "bfloat16"

    ran = run(greys("random-conv", "random-conv@bfloat16"))

    assert ran.returncode == 0, ran.stderr
    assert set(sections(tmp_path)) == {"random-conv", "random-conv@bfloat16"}
    assert stored(tmp_path, "random-conv-bfloat16-*.h5") == [path]
    assert len(stored(tmp_path, "random-conv-*.h5")) == 2


def test_an_encoder_that_has_seen_the_cohort_is_flagged(encode, run, greys, tmp_path):
    """TCGA holds the cohort ``tcga-grey``; pixels have seen nothing."""
    encode("greys", "scaled", "--weights", weights(tmp_path, 1.0))
    run(greys("flat-pixels", "scaled"))

    found = sections(tmp_path)
    assert "PRETRAINING_OVERLAP" in found["scaled"]["rows"][0]["codes"]
    assert (
        "Pre-trained on TCGA (grey), which hold these patients: scaled." in found["scaled"]["notes"]
    )
    assert "PRETRAINING_OVERLAP" not in found["flat-pixels"]["rows"][0]["codes"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("greys", "flat-pixels", "--pretrain"), "flat-pixels is not trained on tiles"),
        (("greys", "random-conv@float16", "--precision", "bfloat16"), "contradict each other"),
        (("greys", "scaled@float64"), "does not compute in 'float64'"),
        (("greys", "flat-pixels", "--tiler", "grid"), "gives no pictures"),
        (("ocean-toy", "flat-pixels", "--set", "px"), "'px'; expected a name and a TOML value"),
        (("ocean-toy", "flat-pixels", "--tiler", "grid", "--set", "pxx=4"), "did you mean 'px'?"),
        (("greys", "scaled"), "put it as scaled.pt into the folder"),
    ],
)
def test_what_cannot_be_encoded_is_refused(encode, arguments, message):
    """Before anything is computed, with status 2 and the next step."""
    done = encode(*arguments)

    assert done.returncode == 2
    assert message in done.stderr
