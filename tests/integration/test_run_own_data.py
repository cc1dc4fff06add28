"""From one's own table and folder to a leaderboard in one command, and what is left out is told."""

import csv
import json
import os

import numpy as np
import pytest

PATIENTS = 20


@pytest.fixture
def clinic(tmp_path):
    """Write 40 slides of 20 patients as a table and a folder; return a function to change it."""
    folder = tmp_path / "clinic"
    (folder / "uni").mkdir(parents=True)
    rng = np.random.default_rng(0)
    rows = [["slide_id", "case_id", "label"]]
    for slide in range(2 * PATIENTS):
        label = slide // 2 % 2
        rows.append([f"{slide:03d}.svs", f"p{slide // 2}", ["benign", "malignant"][label]])
        x = rng.normal(label, size=(3 + slide % 4, 6)).astype(np.float32)
        np.save(folder / "uni" / f"{slide:03d}.npy", x)
    with (folder / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return folder


@pytest.fixture
def own(milbench, folders, tmp_path):
    """Return a function that runs own data, with everything below ``tmp_path``."""

    def command(folder, *arguments, methods="prior,mean"):
        tables = ["--leaderboards", str(tmp_path / "leaderboards"), "--device", "cpu"]
        given = ["--bags", str(folder / "labels.csv"), "--methods", methods]
        return milbench("run", *given, *folders, *tables, *arguments)

    return command


def section(tmp_path, suite="clinic"):
    """Return the only table of the suite."""
    text = (tmp_path / "leaderboards" / suite / "leaderboard.json").read_text(encoding="utf-8")
    (found,) = json.loads(text)["sections"]
    return found


def runs(found):
    return {row["method"]: (row["runs"]["done"], row["runs"]["planned"]) for row in found["rows"]}


def test_a_table_and_a_folder_become_a_leaderboard(own, clinic, milbench, tmp_path, folders):
    """The name is the folder's, classes and patients are found, and nothing is done twice."""
    arguments = ("--features", str(clinic / "uni"), "--repeats", "1", "--folds", "4")

    done = own(clinic, *arguments)
    again = own(clinic, *arguments)
    ranked = milbench("leaderboard", "clinic", *folders[:2])

    assert done.returncode == again.returncode == ranked.returncode == 0, done.stderr
    found = section(tmp_path)
    assert runs(found) == {"prior": (4, 4), "mean": (4, 4)}
    assert (found["n_patients"], sum(found["bags"])) == (PATIENTS, 2 * PATIENTS)
    assert found["classes"] == ["benign", "malignant"]
    assert "0 done, 8 done before" in again.stderr
    assert "clinic (precomputed)" in ranked.stdout


def test_the_leaderboard_needs_the_results_alone(own, clinic, milbench, tmp_path, folders):
    """Table and features may be gone when methods are ranked again."""
    own(clinic, "--features", str(clinic / "uni"), "--repeats", "1", "--folds", "4")
    clinic.rename(tmp_path / "elsewhere")

    ranked = milbench("leaderboard", "clinic", *folders[:2])

    assert ranked.returncode == 0, ranked.stderr
    assert "malignant 20" in ranked.stdout


def test_results_of_own_data_are_reported_traced_verified_and_exported(
    own, clinic, milbench, tmp_path, folders
):
    """By the name that the run gave them, as those of every other suite are."""
    own(clinic, "--features", str(clinic / "uni"), "--repeats", "1", "--folds", "4")
    store, out = folders[:2], str(tmp_path / "out")

    explained = milbench("explain", "clinic:mean:clinic:auroc", *store)
    verified = milbench("verify", str(tmp_path / "leaderboards" / "clinic"), *store)
    reported = milbench("report", "clinic", *store, "--draws", "200", "--out", out)
    exported = milbench(
        *("export", "clinic", "--suite", "clinic", "--format", "clam"),
        *(*folders, "--out", str(tmp_path / "clam")),
    )

    assert "the same to the last bit" in explained.stdout
    assert "clinic: holds" in verified.stdout
    assert reported.returncode == 0, reported.stderr
    assert (tmp_path / "out" / "clinic" / "README.md").is_file()
    assert "40 bags of 6 features, float32, 1 x 4 folds" in exported.stdout


def test_what_is_left_out_is_told_at_every_run_and_in_the_table(own, clinic, tmp_path):
    """The second run reads no features, and still tells."""
    np.save(clinic / "uni" / "005.npy", np.full((3, 6), np.nan, np.float32))
    np.save(clinic / "uni" / "099.npy", np.ones((3, 6), np.float32))
    os.remove(clinic / "uni" / "006.npy")  # noqa: PTH107
    arguments = ("--features", str(clinic / "uni"), "--repeats", "1", "--folds", "4")

    told = [own(clinic, *arguments) for _ in range(2)]

    for done in told:
        assert done.returncode == 0
        for line in (
            "slide '005': the feature of instance 0, column 0 is nan",
            "slide '099': no line of",
            "line 8: slide '006': no file of features",
            "left out of clinic: 3 in all",
        ):
            assert line in done.stderr
    kept = (tmp_path / "results" / "clinic" / "left-out-clinic.csv").read_text(encoding="utf-8")
    assert kept.count("\n") == 4
    assert any(note.startswith("Left out: 3 lines or files") for note in section(tmp_path)["notes"])
    assert sum(section(tmp_path)["bags"]) == 2 * PATIENTS - 2


def test_official_parts_are_taken_where_the_table_has_them(own, clinic, tmp_path):
    """One split, trained from several seeds."""
    lines = (clinic / "labels.csv").read_text(encoding="utf-8").splitlines()
    parts = ["split", *("train" if n // 4 % 2 else "test" for n in range(2 * PATIENTS))]
    text = "\n".join(f"{line},{part}" for line, part in zip(lines, parts, strict=True))
    (clinic / "labels.csv").write_text(text, encoding="utf-8")

    done = own(clinic, "--features", str(clinic / "uni"), methods="mean")

    assert done.returncode == 0, done.stderr
    assert runs(section(tmp_path)) == {"mean": (5, 5)}
    assert sum(section(tmp_path)["bags"]) == PATIENTS


def test_a_suite_file_names_own_data_beside_others(clinic, run, milbench, tmp_path):
    """``[[dataset]]`` in a suite, with paths relative to it."""
    suite = clinic / "mine.toml"
    suite.write_text(
        'name = "mine"\n[[dataset]]\nname = "clinic"\nbags = "labels.csv"\n'
        'features = "uni"\nfusion = "early"\n[splits]\nrepeats = 1\nfolds = 3\n'
        '[[methods]]\nname = "bag-size"\n',
        encoding="utf-8",
    )

    checked = milbench("validate", str(suite))
    done = run(suite)

    assert checked.returncode == done.returncode == 0, done.stderr
    found = section(tmp_path, "mine")
    assert sum(found["bags"]) == PATIENTS
    assert "A bag holds the instances of all slides of a patient." in found["notes"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--features", "nowhere"), "no such folder"),
        (("--features", "uni=a", "--features", "uni=b"), "no such folder"),
        (("--features", "{uni}", "--features", "{uni}"), "expected NAME=DIR"),
        (("--features", "{uni}", "--name", "musk1"), "'musk1' is the name of a suite or data set"),
        (("--features", "{uni}", "--label-column", "lable"), "did you mean 'label'"),
        (("--features", "{uni}", "--methods", "abmill"), "did you mean 'abmil'"),
        (("--features", "{uni}", "--metric", "auc"), "auc"),
        (("--features", "{uni}", "--suite", "all"), "name the one whose methods are meant"),
        (("--features", "{uni}", "--suite", "smok"), "no such suite"),
        (("--features", "{uni}", "--splits", "{uni}"), "no splits recognised"),
        (("--features", "{uni}", "--name", "My data"), "name: string should match"),
        (("--features", "{uni}", "--classes", "benign"), "classes: "),
        (("--features", "{uni}", "--classes", "a,b,c", "--task", "binary"), "binary has 2 classes"),
        ((), "needs --features"),
    ],
)
def test_wrong_usage_says_what_to_write_and_ends_with_2(own, clinic, arguments, said):
    done = own(clinic, *(argument.format(uni=clinic / "uni") for argument in arguments))

    assert done.returncode == 2
    assert said in done.stderr


def test_options_for_own_data_need_a_table(milbench):
    done = milbench("run", "--suite", "smoke", "--folds", "3")

    assert done.returncode == 2
    assert "--folds: only with --bags" in done.stderr


def test_mixed_encoders_fail_with_status_1(own, clinic):
    """The data set is broken as others can be: the reason is told, and nothing is ranked."""
    for slide in range(10):
        np.save(clinic / "uni" / f"{slide:03d}.npy", np.ones((3, 9), np.float32))

    done = own(clinic, "--features", str(clinic / "uni"))

    assert done.returncode == 1
    assert "encoders are mixed: 10 of 40 differ" in done.stderr
