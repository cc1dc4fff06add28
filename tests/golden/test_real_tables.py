"""Published results of real methods through the same code: what may be claimed from them."""

import csv
import gzip
import json

import numpy as np
import pytest

from milbench.stats.cohorts import over_cohorts
from milbench.stats.corrected_t import corrected_ttest
from milbench.stats.question import Question
from milbench.stats.signed_rank import signed_rank

pytestmark = pytest.mark.data


def anchor(data_dir, name):
    file = data_dir / "anchors" / name
    if not file.is_file():
        pytest.skip(f"no published results: {file} is not there")
    return file


@pytest.mark.parametrize(
    ("task", "over_folds", "corrected"),
    [("tcga_lung", 0.0371, 0.097), ("tcga_brca", 0.0059, 0.0225)],
)
def test_clam_and_abmil_in_ten_folds(data_dir, task, over_folds, corrected):
    """HIPT's AUROC of CLAM-SB and ABMIL: p of the naive Wilcoxon test, and of T.

    T's two values follow with n_test / n_train = 0.116, where validation bags do not count as
    training bags. Counted, as milbench does, it is 1/9 and p is 0.094 and 0.021. Either way lung,
    0.037 by the naive test, is not significant.
    """
    text = anchor(data_dir, "hipt_per_fold.csv").read_text(encoding="utf-8")
    wanted = ("results_cvpr2022_class", task, "1.00")
    auc = {
        (row["model"], row["fold"]): float(row["test_auc"])
        for row in csv.DictReader(text.splitlines())
        if (row["set"], row["task"], row["train_fraction"]) == wanted
    }
    gaps = np.array([[auc["clam_sb", str(f)] - auc["mil", str(f)] for f in range(10)]])

    naive = signed_rank(gaps)
    found = corrected_ttest(gaps, test_share=0.116)

    assert naive.p == pytest.approx(over_folds, abs=5e-5)
    assert found.p == pytest.approx(corrected, abs=5e-4)
    assert corrected_ttest(gaps, test_share=1 / 9).p < found.p


def test_nineteen_encoders_on_tasks_that_share_patients(data_dir):
    """PathBench: 56 tasks, but of five organs. The order is sensible and nothing is claimed.

    Counted as 56 data sets, the first would beat the fifth; tasks of one organ share patients.
    """
    with gzip.open(anchor(data_dir, "pathbench_performance.json.gz")) as file:
        records = json.load(file)
    tasks = {}
    for record in records:
        if "AUC" in record["metrics"]:
            key = (record["organ"], record["cohort"], record["task_name"])
            tasks.setdefault(key, {})[record["modelID"]] = np.mean(record["metrics"]["AUC"])
    models = sorted({record["modelID"] for record in records})
    complete = {key: of for key, of in tasks.items() if len(of) == len(models)}
    values = np.array([[of[model] for model in models] for of in complete.values()])

    found = over_cohorts(models, [organ for organ, _, _ in complete], values, Question(draws=500))

    order = [found.names[i] for i in np.argsort(found.mean_rank)]
    assert (len(complete), len(found.cohorts)) == (56, 5)
    assert order[-1] == "ResNet50"
    assert found.codes == {"SHARED_COHORT", "MIN_P_UNREACHABLE"}
    assert set(found.rank) == {(1, len(models))}
    first, fifth = (models.index(order[place]) for place in (0, 4))
    assert signed_rank(values[:, first] - values[:, fifth]).p < 0.05
