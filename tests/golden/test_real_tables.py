"""Published results of real methods through the same code: what may be claimed from them."""

import csv
import gzip
import json

import numpy as np
import pytest

from milbench.leaderboard.from_scores import ScoreStudy, build_from_scores
from milbench.leaderboard.score_table import Columns, read_scores
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


def leaderboard(file, columns, **study):
    """Return the leaderboard that ``milbench scores`` prints."""
    return build_from_scores(read_scores(file, columns), ScoreStudy(**study))


@pytest.fixture
def hipt(data_dir):
    """HIPT's subtyping by ten folds, trained on all slides, ABMIL as the reference."""
    where = {"set": "results_cvpr2022_class", "train_fraction": "1.00"}
    columns = Columns(dataset="task", method="model", value="test_auc", where=where)
    file = anchor(data_dir, "hipt_per_fold.csv")
    return leaderboard(file, columns, test_share=0.116, reference="mil")


@pytest.mark.parametrize(("task", "corrected"), [("tcga_lung", 0.097), ("tcga_brca", 0.0225)])
def test_scores_of_folds_give_the_corrected_test_alone(hipt, task, corrected):
    """The same two p from the table itself; after Holm over 36 pairs neither is significant."""
    section = next(section for section in hipt.sections if section.dataset == task)
    (pair,) = [p for p in section.comparisons if {p.a, p.b} == {"clam_sb", "mil"}]

    assert pair.p_t == pytest.approx(corrected, abs=5e-4)
    assert pair.mark == ""
    assert len(section.comparisons) == 36
    assert all("SCORES_ONLY" in row.codes for row in section.rows)


def test_the_leaderboard_of_hipt_is_sensible(hipt):
    """Means are those of the paper's table, whose method is first on all three.

    DeepAttnMISL (mi_fcn) alone is called worse than ABMIL, on lung; three cohorts are too few for
    more.
    """
    first = {section.dataset: section.rows[0] for section in hipt.sections}
    assert {row.method for row in first.values()} == {"hipt_lgp[vit4k_xs_dino]_freeze_[None]"}
    means = {name: round(row.primary.value, 3) for name, row in first.items()}
    assert means == {"tcga_brca": 0.874, "tcga_kidney": 0.980, "tcga_lung": 0.952}
    marked = [
        (section.dataset, row.method)
        for section in hipt.sections
        for row in section.rows
        if row.versus is not None and row.versus.mark
    ]
    assert marked == [("tcga_lung", "mi_fcn")]
    assert hipt.overall.across is None
    assert "at least 6 cohorts; here 3" in hipt.overall.note


def test_the_leaderboard_of_good_features_is_sensible(data_dir):
    """Five seeds of one split for each target: nothing is tested.

    The order is that of the field: UNI and CTransPath well before an ImageNet ResNet-50.
    """
    where = {
        "model": "AttentionMIL", "magnification": "low", "augmentations": "none",
    }  # fmt: skip
    columns = Columns(dataset="test_dataset", method="feature_extractor", value="test_auroc",
                      where=where)  # fmt: skip
    made = leaderboard(anchor(data_dir, "goodfeatures_runs.csv.gz"), columns, test_share="kfold")

    assert all(section.comparisons == () for section in made.sections)
    assert {"SEED_ONLY_REPLICATION", "SCORES_ONLY"} <= set(made.codes)
    order = [standing.method for standing in made.overall.standings]
    assert len(order) == 14
    assert max(order.index("uni"), order.index("ctranspath")) < 5 < order.index("resnet50")


def test_the_leaderboard_of_pathbench_is_sensible(data_dir, tmp_path):
    """Tasks of one organ are one cohort, so nineteen encoders on 57 tasks cannot be told apart.

    The file calls one task by two names, with half of the encoders under each.
    """
    with gzip.open(anchor(data_dir, "pathbench_performance.json.gz")) as file:
        records = json.load(file)
    path = tmp_path / "pathbench.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["dataset", "cohort", "method", "seed", "value"])
        for r in records:
            name = r["task_name"].removesuffix(" Expression Prediction")
            task = f"{r['organ']}, {r['cohort']}, {name}"
            for number, value in enumerate(r["metrics"].get("AUC", ())):
                writer.writerow([task, r["organ"], r["modelID"], number, value])

    made = leaderboard(path, Columns(), test_share="kfold")

    assert len(made.sections) == 57
    assert all(section.comparisons == () for section in made.sections)
    assert made.overall.across is None
    assert "here 5 cohorts" in made.overall.note
    order = [standing.method for standing in made.overall.standings if not standing.missing]
    assert len(order) == 19
    assert order[-1] == "ResNet50"
