"""The suite ``hierarchy`` from end to end: what its records hold, and what its tables show."""

import json

import numpy as np
import pytest

from milbench.suite_files import suite_files

PARENTS = [0, 0, 0, 1, 1, 2, 2]


@pytest.fixture
def short(tmp_path):
    """Return a function that writes the suite with some of its rows, three epochs each."""

    def write(*rows):
        text = suite_files()["hierarchy"].read_text(encoding="utf-8")
        heading, *methods = text.split("[[methods]]")
        kept = [m for m in methods if any(f'"{row}"\n' in m for row in rows)]
        heading = heading.replace("epochs = 20", "epochs = 3").replace("folds = 5", "folds = 2")
        path = tmp_path / "hierarchy.toml"
        path.write_text("[[methods]]".join([heading, *kept]), encoding="utf-8")
        return path

    return write


@pytest.fixture
def done(short, run, tmp_path):
    """Return what a run of four rows printed, its leaderboard, and its records by row."""
    made = run(short("prior", "gated-abmil", "hmil", "hmil-released"), "--repeats", "1")
    assert made.returncode == 0, made.stderr
    board = tmp_path / "leaderboards" / "hierarchy" / "leaderboard.json"
    paths = (tmp_path / "results" / "hierarchy" / "runs" / "digits-tree").glob("*/*.json")
    records = {}
    for path in sorted(paths):
        record = json.loads(path.read_text())
        records.setdefault(record["method"], []).append(record)
    return made, json.loads(board.read_text()), records


def test_both_levels_are_stored_ranked_and_learnt(done):
    """Rows of every test and validation bag, two tables, and HMIL above the prior in both."""
    made, board, records = done

    assert set(records) == {"prior", "gated-abmil", "hmil", "hmil-released"}
    for method, found in records.items():
        for record in found:
            answered_by = "head" if method.startswith("hmil") else "sum"
            check_levels(record, answered_by)
    fine, coarse = board["sections"]
    assert (fine["level"], coarse["level"]) == ("", "shape")
    assert fine["reference"] == "gated-abmil"
    for section in (fine, coarse):
        values = {row["method"]: row["scores"][0]["value"] for row in section["rows"]}
        assert values["prior"] == 0.5
        assert min(values["hmil"], values["hmil-released"]) > 0.6
    text = made.stdout.replace("\n", " ")
    assert "Levels digits-tree, shape (digit): curly (three, eight, nine), round" in text
    assert "of hmil, hmil-released from a head of its own" in text


def check_levels(record, answered_by):
    """Check that a record says its tree and holds coarse probabilities beside the fine ones."""
    assert record["levels"]["name"] == "digits-tree"
    assert record["levels"]["parents"] == PARENTS
    assert record["levels"]["answered_by"] == answered_by
    for part in ("test", "validation"):
        fine, coarse = (np.array(record[part][name]) for name in ("score", "coarse_score"))
        assert coarse.shape == (len(record[part]["bag"]), 3)
        np.testing.assert_allclose(coarse.sum(axis=1), 1.0)
        sums = np.stack([fine[:, :3].sum(1), fine[:, 3:5].sum(1), fine[:, 5:].sum(1)], axis=1)
        assert np.allclose(coarse, sums) == (answered_by == "sum")


def test_a_data_set_of_one_level_is_skipped_with_the_reason(tiny, run):
    """HMIL has nothing to align there; the other method is trained."""
    done = run(tiny(["tiny-mean", "hmil"]), "--repeats", "1")

    assert done.returncode == 0, done.stderr
    assert "tiny: 4 done, 0 done before, 4 skipped, 0 failed" in done.stderr
    assert "hmil needs a label hierarchy; this data set has one level" in done.stdout.replace(
        "\n", " "
    )
