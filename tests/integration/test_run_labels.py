"""Bags with several labels from a data set to every form of its leaderboard."""

import json

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

PLUGIN = '''
    """Thirty patients of two bags with three labels."""

    import numpy as np
    from torch import nn

    from milbench import Aggregator, Dataset, LabelledBag, Output, hookimpl


    def bags(data):
        rng = np.random.default_rng(3)
        for number in range(60):
            patient = number // 2
            label = (patient % 2, int(patient % 3 == 0), int(patient % 5 == 0))
            x = rng.normal(size=(2 + number % 4, 3)) + 1.5 * np.array(label)
            yield LabelledBag(id=f"b{number:02d}", label=label, x=x, patient=f"p{patient}")


    class OwnLoss(nn.Module):
        def __init__(self, in_dim, n_classes):
            super().__init__()
            self.head = nn.Linear(in_dim, n_classes)

        def forward(self, bag):
            return Output(logits=self.head(bag.x.mean(dim=0)))

        def loss(self, output, label, context):
            return -output.logits.log_softmax(dim=0)[label]


    @hookimpl
    def milbench_aggregators():
        yield Aggregator(name="own-loss", target=OwnLoss, summary="for tests")


    @hookimpl
    def milbench_datasets():
        yield Dataset(
            name="labels", target=bags, classes=("red", "green", "blue"), task="multi-label",
            summary="for tests",
        )
        yield Dataset(
            name="misranked", target=bags, classes=("red", "green", "blue"), task="multi-label",
            summary="for tests", primary_metric="kappa",
        )
'''

SUITE = """
name = "labels"
datasets = ["{dataset}"]

[splits]
repeats = 2
folds = 2
validation = 0.3

[train]
epochs = 3

[report]
reference = "mean"
draws = 200
metrics = [{metrics}]

"""


@pytest.fixture
def suite(install, tmp_path):
    """Return a function that installs the plugin and writes a suite."""
    install("milbench-labels", PLUGIN)

    def write(methods, *metrics, dataset="labels"):
        path = tmp_path / "labels.toml"
        listed = ", ".join(f'"{metric}"' for metric in metrics)
        rows = "".join(f'[[methods]]\nname = "{method}"\n' for method in methods)
        path.write_text(SUITE.format(metrics=listed, dataset=dataset) + rows, encoding="utf-8")
        return path

    return write


def records_of(tmp_path, dataset, method):
    """Return the stored records of a method, by repeat and fold."""
    paths = (tmp_path / "results" / "labels" / "runs" / dataset / method).glob("*.json")
    found = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    return sorted(found, key=lambda record: (record["repeat"], record["fold"]))


def test_several_labels_are_trained_stored_and_ranked(suite, run, milbench, folders, tmp_path):
    """The value is the mean over labels, folds and repeats of scikit-learn's AUROC; all forms."""
    methods = ("prior", "mean", "dsmil", "own-loss", "mil-fc")
    path = suite(methods, "subset-accuracy", "f1", "log-loss")
    done = run(path)

    assert done.returncode == 0, done.stderr
    assert "labels: 12 done, 0 done before, 8 skipped, 0 failed" in done.stderr
    text = " ".join(done.stdout.split())
    assert "own-loss is for one class a bag: it has loss of its own" in text
    assert "mil-fc is for one class a bag; these bags may have several labels" in text
    assert "30 patients, 60 bags, each with any of the labels red 30, green 20, blue 12" in text
    records = records_of(tmp_path, "labels", "mean")
    labels, scores = zip(*((r["test"]["label"], r["test"]["score"]) for r in records), strict=True)
    assert all(len(record["threshold"]) == 3 for record in records)
    each = [roc_auc_score(y, p, average=None) for y, p in zip(labels, scores, strict=True)]
    folder = tmp_path / "leaderboards" / "labels"
    board = json.loads((folder / "leaderboard.json").read_text(encoding="utf-8"))
    (section,) = board["sections"]
    assert section["several"] == {"bags": 60, "unlabelled": 16, "sets": 8}
    rows = {row["method"]: row["scores"][0] for row in section["rows"]}
    assert rows["mean"]["value"] == pytest.approx(np.mean(each), abs=1e-9)
    assert rows["mean"]["per_class"] == pytest.approx(np.mean(each, axis=0), abs=1e-9)
    assert rows["mean"]["low"] < rows["mean"]["value"] < rows["mean"]["high"]
    assert rows["prior"]["value"] == 0.5
    again = run(path)
    assert "labels: 0 done, 12 done before, 8 skipped" in again.stderr
    check_other_commands(milbench, folders, folder, path)


def check_other_commands(milbench, folders, folder, path):
    """Check that the commands which read records work, or say what they cannot do."""
    results = folders[:2]
    verified = milbench("verify", str(folder), "--suite", str(path), *results)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    explained = milbench("explain", f"{path}:mean:labels:subset-accuracy", *results)
    assert explained.returncode == 0, explained.stdout + explained.stderr
    assert "the same to the last bit" in " ".join(explained.stdout.split())
    compared = milbench("compare", "mean", "prior", "--suite", str(path), *results)
    assert compared.returncode == 0, compared.stdout + compared.stderr
    assert "blue" in compared.stdout
    out = ("--out", str(folder.parent / "report"))
    reported = milbench("report", str(path), *out, *results)
    assert reported.returncode == 0, reported.stdout + reported.stderr
    text = (folder.parent / "report" / "labels" / "statistical-analysis.txt").read_text("utf-8")
    assert "Bags of labels may have several labels" in text
    files = ("--out", str(folder.parent / "files"))
    exported = milbench("export", "labels", "--format", "clam", *files, *folders[2:])
    assert exported.returncode == 2
    assert "its bags have several labels" in " ".join(exported.stderr.split())


def test_a_metric_of_one_class_is_a_fault_of_the_suite(suite, milbench):
    """Before anything is trained, with the metrics that there are."""
    path = suite(("mean",), "kappa")

    done = milbench("validate", str(path))

    assert done.returncode == 2
    told = " ".join((done.stdout + done.stderr).split())
    assert "report.metrics[0]: on labels, kappa is of one class a bag" in told
    assert "hamming-loss" in told


def test_a_data_set_ranked_by_such_a_metric_is_one_too(suite, milbench):
    """Before anything is trained for it."""
    done = milbench("validate", str(suite(("mean",), dataset="misranked")))

    assert done.returncode == 2
    told = " ".join((done.stdout + done.stderr).split())
    assert "datasets: misranked is ranked by kappa: kappa is of one class a bag" in told
