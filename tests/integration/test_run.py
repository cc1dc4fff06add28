"""`milbench run`, from a suite file to a leaderboard, as a user sees it."""

import csv
import json

import pytest


def records(folder):
    paths = sorted((folder / "results" / "tiny" / "runs").rglob("*.json"))
    return [json.loads(path.read_text()) for path in paths]


def test_a_suite_ends_with_a_leaderboard_and_files(tiny, run, tmp_path):
    """All runs are stored, the table is on the screen, and four files lie in the folder."""
    done = run(tiny())

    assert done.returncode == 0, done.stderr
    assert "tiny: 24 done, 0 done before, 0 skipped, 0 failed" in done.stderr
    assert "tiny-first" in done.stdout
    assert "24 of 24 runs" in done.stderr
    assert len(records(tmp_path)) == 24
    assert {path.name for path in (tmp_path / "leaderboards" / "tiny").iterdir()} == {
        "index.html",
        "results.csv",
        "table.md",
        "table.tex",
        "leaderboard.json",
    }


def test_a_record_holds_what_a_number_is_computed_from(tiny, run, tmp_path):
    """Every test bag has a row, and the record says what made it."""
    run(tiny(["tiny-mean"]))
    found = records(tmp_path)

    tested = [bag for record in found if record["repeat"] == 1 for bag in record["test"]["bag"]]
    assert sorted(tested) == [f"{number:03d}" for number in range(40)]
    for record in found:
        assert record["status"] == "done"
        assert record["engine"] == "sequential"
        assert record["aggregator"] == "milbench-tiny/tiny-mean"
        assert record["parameters"] == 10
        assert all(abs(sum(row) - 1) < 1e-12 for row in record["test"]["score"])
        assert not set(record["test"]["patient"]) & set(record["validation"]["patient"])
        assert set(record["hashes"]) == {"features", "split", "part", "config", "code", "settings"}


def test_the_stored_splits_keep_patients_together(tiny, run, tmp_path):
    """The CSV beside the results names every bag's role, and no patient has two in a fold."""
    run(tiny(["tiny-mean"]))
    (path,) = (tmp_path / "results" / "tiny" / "splits").glob("*.csv")
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))

    assert len(rows) == 3 * 4 * 40
    roles = {}
    for row in rows:
        place = (row["repeat"], row["fold"], row["group_id"])
        assert roles.setdefault(place, row["role"]) == row["role"]


def test_running_twice_trains_once(tiny, run, tmp_path):
    """The second run finds everything done; --fresh does not look."""
    suite = tiny()
    run(suite)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("runs/**/*.json")}
    again = run(suite)
    after = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("runs/**/*.json")}

    assert "0 done, 24 done before" in again.stderr
    assert before == after
    assert "24 done, 0 done before" in run(suite, "--fresh").stderr


def test_more_repeats_reuse_the_first_ones(tiny, run):
    """A suite whose repeats are raised from 3 to 4 trains the fourth only."""
    suite = tiny()
    run(suite)
    suite.write_text(suite.read_text().replace("repeats = 3", "repeats = 4"))

    assert "8 done, 24 done before" in run(suite).stderr


def test_changed_settings_are_trained_again(tiny, run):
    """Another learning rate is another result; the old one is not shown."""
    suite = tiny(["tiny-mean"])
    run(suite)
    suite.write_text(suite.read_text() + "train = { lr = 0.1 }\n")

    assert "12 done, 0 done before" in run(suite).stderr


def test_settings_that_come_back_bring_their_results_back(tiny, run, tmp_path):
    """After another learning rate and back, the table shows the first results, untrained."""
    suite = tiny(["tiny-mean"])
    text = suite.read_text()

    def shown(more):
        suite.write_text(text + more)
        counts = run(suite).stderr.splitlines()[-1]
        table = json.loads((tmp_path / "leaderboards/tiny/leaderboard.json").read_text())
        return counts, table["sections"][0]["rows"][0]["config"]

    first, other, back = shown(""), shown("train = { lr = 0.5 }\n"), shown("")

    assert "0 done, 12 done before" in back[0]
    assert back[1] == first[1] != other[1]


def test_processes_give_the_results_of_one_process(tiny, run, tmp_path):
    """Where a run is executed changes no score."""
    suite = tiny()
    run(suite, "--executor", "inline")
    inline = {record["key"]: record["test"] for record in records(tmp_path)}
    done = run(suite, "--fresh", "--executor", "processes", "--workers", "2")

    assert done.returncode == 0, done.stderr
    assert {record["key"]: record["test"] for record in records(tmp_path)} == inline


def test_a_failing_method_is_recorded_and_the_rest_goes_on(tiny, run, tmp_path):
    """The failure is told once, stored with its traceback, and ends with status 1."""
    done = run(tiny(["tiny-fails", "tiny-mean"]))
    failed = [record for record in records(tmp_path) if record["status"] == "failed"]

    assert done.returncode == 1
    assert "12 done, 0 done before, 0 skipped, 12 failed" in done.stderr
    assert done.stderr.count("RuntimeError: this method [red]always[/red] fails") == 1
    assert len(failed) == 12
    assert "Traceback" in failed[0]["traceback"]
    assert "12 failed" in done.stdout
    assert "INCOMPLETE_GRID" in done.stdout
    assert "12 failed" in run(tiny(["tiny-fails", "tiny-mean"])).stderr


def test_a_method_that_kills_its_process_fails_alone(tiny, run):
    """A crash of the interpreter is a recorded failure of that run and nothing else."""
    options = ("--executor", "processes", "--workers", "1", "--repeats", "1")
    done = run(tiny(["tiny-kills", "tiny-mean"]), *options)

    assert done.returncode == 1
    assert "SIGKILL" in done.stderr
    assert "4 done, 0 done before, 0 skipped, 4 failed" in done.stderr


def test_an_absent_data_set_is_skipped_with_its_reason(tiny, run):
    """Missing files end with status 0 and say how to get them, in both places."""
    done = run(tiny(datasets=["tiny", "tiny-absent"]))

    assert done.returncode == 0, done.stderr
    assert "skipped tiny-absent" in done.stderr
    assert "get it from example.org" in done.stdout
    assert "0 skipped, 0 failed, 1 data set skipped" in done.stderr


def test_a_suite_without_any_data_prints_no_table(tiny, run):
    """Reasons alone are shown: an empty table with a legend would say nothing."""
    done = run(tiny(datasets=["tiny-absent"]))

    assert done.returncode == 0
    assert done.stdout == ""
    assert "get it from example.org" in done.stderr


def test_a_broken_data_set_fails_and_the_rest_goes_on(tiny, run):
    """NaN features are one clear error that names data set and bag; the other data set runs."""
    done = run(tiny(datasets=["tiny-broken", "tiny"]))

    assert done.returncode == 1
    assert "failed tiny-broken" in done.stderr
    assert "'000'" in done.stderr
    assert "24 done, 0 done before, 0 skipped, 24 failed" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_dry_run_trains_nothing(tiny, run, tmp_path):
    """The plan lists every cell with what is to do."""
    done = run(tiny(), "--dry-run")

    assert done.returncode == 0
    assert "tiny-first" in done.stdout
    assert not (tmp_path / "results" / "tiny" / "runs").exists()


def test_a_truncated_result_is_an_error_that_names_it(tiny, run, tmp_path):
    """Half a JSON file ends with status 2 and one line; deleting it repairs the suite."""
    suite = tiny(["tiny-mean"])
    run(suite)
    path = next(tmp_path.rglob("runs/**/*.json"))
    path.write_text(path.read_text()[:100])
    done = run(suite)

    assert done.returncode == 2
    assert f"{path.name}: damaged at line 1" in done.stderr
    assert "Traceback" not in done.stderr
    path.unlink()
    assert "1 done, 11 done before" in run(suite).stderr


def test_a_truncated_cache_is_built_again(tiny, run, tmp_path):
    """Damaged features are never used: they are told and replaced."""
    suite = tiny(["tiny-mean"])
    run(suite)
    (path,) = (tmp_path / "cache").rglob("*.h5")
    path.write_bytes(path.read_bytes()[:500])
    done = run(suite)

    assert done.returncode == 0
    assert path.name in done.stderr
    assert "0 done, 12 done before" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--suite", "clasic"], "no such suite and no such file; suites: all, breakhis, classic"),
        (["--suite", "smoke", "--device", "tpu"], "use auto, cpu, cuda or cuda:N"),
        (["--suite", "smoke", "--device", "cuda"], "sees no CUDA device"),
        (["--suite", "smoke", "--workers", "0"], "--workers"),
        ([], "--suite"),
    ],
)
def test_wrong_usage_ends_with_status_2(milbench, arguments, says):
    """Each mistake is one message without a traceback."""
    done = milbench("run", *arguments)

    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_suite_with_faults_does_not_start(tiny, run, milbench):
    """All faults of all methods are listed before anything is trained."""
    suite = tiny(["tiny-mean"])
    suite.write_text(suite.read_text() + "args = { depth = 3 }\npatiens = 3\n")

    for done in (run(suite), milbench("validate", str(suite))):
        assert done.returncode == 2
        assert "methods[0].patiens: unknown key; did you mean 'patience'?" in done.stderr
        assert "methods[0].args.depth: no setting of tiny-mean" in done.stderr
        assert "Traceback" not in done.stderr


def test_one_class_only_is_refused(tiny, run, install):
    """A data set in which every bag has the same label cannot be split."""
    install(
        "milbench-one",
        """
        import numpy as np
        from milbench import Dataset, LabelledBag, hookimpl

        def bags(data):
            return [LabelledBag(id=str(n), label=0, x=np.ones((2, 2))) for n in range(20)]

        @hookimpl
        def milbench_datasets():
            yield Dataset(name="one", target=bags, summary="-", classes=("no", "yes"))
        """,
    )
    done = run(tiny(datasets=["one"]))

    assert done.returncode == 1
    assert "failed one" in done.stderr
    assert "class" in done.stderr
