"""`milbench run` with a tuning budget: two rows, what a record holds, what is trained again."""

import csv
import json

import pytest

from milbench.jobs import Row, settings_digest
from milbench.registry import load_registry
from milbench.run import Settings, plan
from milbench.suite import load_suite

BUDGET = "tune = { trials = 3 }\n"


@pytest.fixture
def tuned(tiny):
    """Return a function that writes the suite of 3 x 4 runs a row with a budget."""

    def write(methods=("tiny-mean", "prior"), budget=BUDGET):
        path = tiny(methods)
        path.write_text(path.read_text().replace("epochs = 3\n", f"epochs = 3\n{budget}"))
        return path

    return write


def records(folder, row):
    """Return the records of a row by repeat and fold."""
    paths = (folder / "results" / "tiny" / "runs" / "tiny" / row).glob("*.json")
    found = [json.loads(path.read_text()) for path in paths]
    return {(record["repeat"], record["fold"]): record for record in found}


def table(folder):
    board = json.loads((folder / "leaderboards" / "tiny" / "leaderboard.json").read_text())
    return board["sections"][0]


def test_a_budget_gives_two_rows_that_are_compared(tuned, run, tmp_path):
    """Published and tuned stand in the table and are tested; a control keeps its one row."""
    done = run(tuned())

    assert done.returncode == 0, done.stderr
    assert "36 done, 0 done before, 0 skipped, 0 failed" in done.stderr
    section = table(tmp_path)
    assert {row["method"]: row["runs"]["done"] for row in section["rows"]} == {
        "tiny-mean": 12,
        "tiny-mean (tuned)": 12,
        "prior": 12,
    }
    pairs = [{pair["a"], pair["b"]} for pair in section["comparisons"]]
    assert {"tiny-mean", "tiny-mean (tuned)"} in pairs
    assert len(pairs) == 3


def test_the_budget_is_told_where_it_matters(tuned, run, milbench, tmp_path):
    """Before the run, in the plan, under the table, in every file, and by validate."""
    suite = tuned()
    planned, done = run(suite, "--dry-run"), run(suite)
    note = "tiny-mean (tuned): tuned, 3 trials a run; the published setting was kept in"
    kept = sum(record["chosen"] == 0 for record in records(tmp_path, "tiny-mean--tuned").values())
    tables = tmp_path / "leaderboards" / "tiny"

    assert "tuned, 3 trials a run: tiny-mean\n" in done.stderr
    assert done.stderr.count("not tuned, it declares nothing to tune: prior\n") == 1
    (line,) = [line for line in planned.stdout.splitlines() if "tiny-mean (tuned)" in line]
    assert line.split()[-4:] == ["3", "12", "0", "12"]
    assert f"{note} {kept} of 12 runs." in done.stdout
    assert note in (tables / "table.md").read_text()
    assert "Tuned: 3 trials a run" in (tables / "table.tex").read_text()
    with (tables / "results.csv").open(newline="") as file:
        assert {line["trials"] for line in csv.DictReader(file)} == {"", "0", "3"}
    shown = milbench("validate", str(suite)).stdout
    assert "tiny-mean (tuned): 3 trials a run; lr log-uniform from 2e-05 to 0.002" in shown
    assert "prior: not tuned: it declares nothing to tune" in shown


def test_a_record_holds_every_trial_and_what_was_chosen(tuned, run, tmp_path):
    """All folds and repeats try the same; recipe and args of the record are the chosen ones."""
    run(tuned(), "--repeats", "2")
    found = records(tmp_path, "tiny-mean--tuned")
    published = records(tmp_path, "tiny-mean")

    assert len(found) == 8
    first = found[0, 0]
    assert first["tuning"]["trials"] == 3
    assert set(first["tuning"]["space"]) == {"lr", "weight_decay"}
    tried = [trial["settings"] for trial in first["trials"]]
    assert tried[0] == {"lr": 2e-4, "weight_decay": 1e-5}
    for place, record in found.items():
        assert [trial["settings"] for trial in record["trials"]] == tried
        losses = [trial["validation_loss"] for trial in record["trials"]]
        assert record["chosen"] == losses.index(min(losses))
        chosen = record["trials"][record["chosen"]]
        assert {key: record["recipe"][key] for key in tried[0]} == chosen["settings"]
        assert record["epochs"] == chosen["epochs"] == 3
        assert {trial["status"] for trial in record["trials"]} == {"done"}
        assert record["method"] == "tiny-mean (tuned)"
        assert record["protocol"] == published[place]["protocol"]
        if record["chosen"] == 0:
            assert record["test"] == published[place]["test"]
        else:
            assert record["test"] != published[place]["test"]
    assert "trials" not in published[0, 0]


def test_a_setting_of_the_network_is_tuned_where_it_is_declared(tuned, run, install, tmp_path):
    """A plugin's own space takes the place of the default; the record has the args chosen."""
    install(
        "milbench-wide",
        """
        from milbench import Aggregator, Choice, Output, hookimpl
        from torch import nn

        class Wide(nn.Module):
            def __init__(self, in_dim, n_classes, width=2):
                super().__init__()
                self.layers = nn.Sequential(
                    nn.Linear(in_dim, width), nn.ReLU(), nn.Linear(width, n_classes)
                )

            def forward(self, bag):
                return Output(logits=self.layers(bag.x.mean(dim=0)))

        @hookimpl
        def milbench_aggregators():
            yield Aggregator(
                name="wide", target=Wide, summary="-", search={"width": Choice((2, 3, 5))}
            )
        """,
    )
    run(tuned(["wide", "tiny-mean"]), "--repeats", "1")
    found = records(tmp_path, "wide--tuned").values()

    assert len(found) == 4
    for record in found:
        assert record["trials"][0]["settings"] == {"width": 2}
        width = record["trials"][record["chosen"]]["settings"]["width"]
        assert record["parameters"] == 4 * width + width + 2 * width + 2
        assert record["args"] == ({} if record["chosen"] == 0 else {"width": width})
        assert record["recipe"]["lr"] == 2e-4


def test_adding_a_budget_keeps_what_is_done(tuned, run):
    """Only tuned rows are new; another budget trains them again and nothing else."""
    once = ("--repeats", "1")

    assert "8 done, 0 done before" in run(tuned(budget=""), *once).stderr
    assert "4 done, 8 done before" in run(tuned(), *once).stderr
    assert "0 done, 12 done before" in run(tuned(), *once).stderr
    assert "4 done, 8 done before" in run(tuned(budget="tune = { trials = 2 }\n"), *once).stderr


def test_names_of_published_runs_do_not_know_of_tuning(tuned, milbench, tmp_path):
    """The plans with and without a budget have the same keys and settings for published rows."""
    load_registry.cache_clear()
    registry = load_registry()
    folders = {name: tmp_path / name for name in ("data", "cache", "results")}

    def names(budget):
        suite = load_suite(tuned(budget=budget))
        jobs = plan(suite, registry, Settings(**folders)).jobs
        keys = {job.cell.row: [run.key for run in job.runs] for job in jobs}
        settings = [settings_digest(suite, registry, Row(m), "tiny") for m in suite.methods]
        return keys, settings

    (plain, plain_settings), (budgeted, budgeted_settings) = names(""), names(BUDGET)

    tuned_keys = budgeted.pop("tiny-mean (tuned)")
    assert budgeted == plain
    assert budgeted_settings == plain_settings
    assert not {key for keys in plain.values() for key in keys} & set(tuned_keys)


def test_a_tuned_row_may_be_the_reference(tuned, run, tmp_path):
    """Marks are then against it, the published row's too."""
    suite = tuned()
    suite.write_text(suite.read_text().replace('"tiny-mean"\ndraws', '"tiny-mean (tuned)"\ndraws'))
    done = run(suite, "--repeats", "1")

    assert done.returncode == 0, done.stderr
    section = table(tmp_path)
    assert section["reference"] == "tiny-mean (tuned)"
    versus = {row["method"]: row["versus"] for row in section["rows"]}
    assert versus["tiny-mean"]["difference"] == pytest.approx(
        _value(section, "tiny-mean") - _value(section, "tiny-mean (tuned)"), abs=1e-9
    )


def _value(section, method):
    (row,) = [row for row in section["rows"] if row["method"] == method]
    return row["scores"][0]["value"]


def test_rows_that_are_equal_make_a_table(tuned, run, tmp_path):
    """Where every run keeps the published setting nothing differs, and nothing is claimed."""
    text = tuned(["tiny-mean"]).read_text()
    path = tmp_path / "tiny.toml"
    # A rate that changes nothing: all trials tie, and ties go to the published one.
    path.write_text(text + "train = { lr = 1e-30 }\n")
    done = run(path, "--repeats", "1")

    assert done.returncode == 0, done.stderr
    section = table(tmp_path)
    values = [row["scores"][0]["value"] for row in section["rows"]]
    assert values[0] == values[1]
    assert [row["tuned"] for row in sorted(section["rows"], key=lambda r: r["method"])] == [
        None,
        {"trials": 3, "kept": 4},
    ]
    assert [pair["mark"] for pair in section["comparisons"]] == [""]


def test_a_failing_method_fails_in_both_rows(tuned, run, tmp_path):
    """The tuned run's record says what it was to try, and which trial raised."""
    done = run(tuned(["tiny-fails", "tiny-mean"]), "--repeats", "1")
    found = records(tmp_path, "tiny-fails--tuned").values()

    assert done.returncode == 1
    assert "8 done, 0 done before, 0 skipped, 8 failed" in done.stderr
    assert len(found) == 4
    for record in found:
        assert record["tuning"]["trials"] == 3
        assert "in the trial with {}" in record["traceback"]


def test_tuned_runs_are_stacked_beside_published_ones(tuned, run, tmp_path):
    """In worker processes too; each tuned run says what its trials became."""
    suite = tuned(["tiny-mean"])
    text = suite.read_text().replace("repeats = 3", "repeats = 5")
    suite.write_text(text.replace("[train]", '[protocol]\norder = "common"\n\n[train]'))
    done = run(suite, "--engine", "stacked", "--executor", "processes", "--workers", "2")

    assert "40 done, 0 done before, 0 skipped, 0 failed" in done.stderr, done.stderr
    for row in ("tiny-mean", "tiny-mean--tuned"):
        found = records(tmp_path, row).values()
        assert len(found) == 20
        assert {record["engine"] for record in found} == {"stacked"}
    assert {len(record["trials"]) for record in found} == {3}


def test_a_broken_data_set_counts_the_runs_of_every_row(tuned, run):
    """Runs that were never made are counted as failed: published, tuned and control."""
    suite = tuned()
    suite.write_text(suite.read_text().replace("['tiny']", "['tiny-broken']"))

    assert "0 done, 0 done before, 0 skipped, 36 failed" in run(suite).stderr
