"""Scores by fold that somebody else computed: only what is valid for them, and marked as such."""

import csv
import gzip
import json
import math

import numpy as np
import openpyxl
import pytest
from scipy.stats import t as student

from milbench.cli import main
from milbench.errors import ScoreError, StatisticsError
from milbench.leaderboard.from_scores import ScoreStudy, build_from_scores
from milbench.leaderboard.score_table import Columns, read_scores
from milbench.report import render
from milbench.report.paragraph import to_paragraph

# Fold by fold, b is above a by about 0.1, and c by next to nothing.
A = (0.70, 0.72, 0.68, 0.71, 0.69)
B = (0.80, 0.81, 0.79, 0.82, 0.78)
C = (0.71, 0.71, 0.69, 0.70, 0.69)


def written(folder, rows, header=("dataset", "method", "fold", "value")):
    path = folder / "scores.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def rows_of(method, values, dataset="d"):
    return [(dataset, method, fold, value) for fold, value in enumerate(values)]


def made(folder, rows, **study):
    return build_from_scores(read_scores(written(folder, rows), Columns()), ScoreStudy(**study))


def by_name(leaderboard, section=0):
    return {row.method: row for row in leaderboard.sections[section].rows}


THREE = [*rows_of("a", A), *rows_of("b", B), *rows_of("c", C)]


def test_a_spreadsheet_says_the_same(tmp_path):
    """Scores are often kept in one."""
    book = openpyxl.Workbook()
    for row in [("dataset", "method", "fold", "value"), *THREE]:
        book.active.append(row)
    book.save(tmp_path / "scores.xlsx")

    from_text = read_scores(written(tmp_path, THREE), Columns()).scores

    assert read_scores(tmp_path / "scores.xlsx", Columns()).scores == from_text


def test_value_and_spread_are_those_of_the_folds(tmp_path):
    """Mean and sample standard deviation by numpy; no interval over patients."""
    row = by_name(made(tmp_path, THREE))["b"]
    assert row.primary.value == pytest.approx(np.mean(B))
    assert row.primary.sd == pytest.approx(np.std(B, ddof=1))
    assert math.isnan(row.primary.low)


def test_the_corrected_test_is_that_of_nadeau_and_bengio(tmp_path):
    """By hand: mean over sd * sqrt(1/5 + 1/4), four degrees of freedom; Holm over three pairs."""
    board = made(tmp_path, THREE, test_share="kfold", reference="a")
    gaps = np.subtract(B, A)
    statistic = gaps.mean() / (gaps.std(ddof=1) * math.sqrt(1 / 5 + 1 / 4))
    p = 2 * student.sf(abs(statistic), 4)

    found = next(pair for pair in board.sections[0].comparisons if (pair.a, pair.b) == ("a", "b"))
    assert found.p_t == pytest.approx(p)
    assert p < found.p_t_holm < 0.05
    assert math.isnan(found.p_patient)
    b = by_name(board)["b"]
    assert (b.versus.mark, b.rank, b.is_top) == ("star", (1, 1), True)
    assert by_name(board)["c"].versus.mark == ""
    assert by_name(board)["c"].rank == by_name(board)["a"].rank == (2, 3)


def test_nothing_is_tested_where_the_size_of_folds_is_not_known(tmp_path):
    """The note says what to give; values are shown all the same."""
    board = made(tmp_path, THREE)
    assert board.sections[0].comparisons == ()
    assert "how large test folds were is not known" in board.sections[0].notes[0]
    assert {row.rank for row in board.sections[0].rows} == {None}


def test_seeds_of_one_split_are_never_tested(tmp_path):
    """STATISTICS 1.4: a t-test over seeds is refused, whatever share is given."""
    rows = [("d", m, s, v) for m, of in (("a", A), ("b", B)) for s, v in enumerate(of)]
    path = written(tmp_path, rows, ("dataset", "method", "seed", "value"))
    board = build_from_scores(read_scores(path, Columns()), ScoreStudy(test_share=0.25))

    assert board.sections[0].comparisons == ()
    assert "SEED_ONLY_REPLICATION" in by_name(board)["a"].codes
    assert by_name(board)["a"].primary.sd == pytest.approx(np.std(A, ddof=1))


def test_seeds_are_averaged_inside_a_fold(tmp_path):
    """Two seeds a fold count as one value, so they add no degrees of freedom."""
    rows = [("d", m, f, s, v + 0.01 * s) for m, of in (("a", A), ("b", B)) for f, v in enumerate(of)
            for s in (-1, 1)]  # fmt: skip
    path = written(tmp_path, rows, ("dataset", "method", "fold", "seed", "value"))
    doubled = build_from_scores(read_scores(path, Columns()), ScoreStudy(test_share="kfold"))
    single = made(tmp_path, [*rows_of("a", A), *rows_of("b", B)], test_share="kfold")

    found, expected = (board.sections[0].comparisons[0] for board in (doubled, single))
    assert found.p_t == pytest.approx(expected.p_t)


def test_fewer_than_five_folds_claim_nothing(tmp_path):
    """The t-test is computed, and nothing is marked."""
    rows = [*rows_of("a", A[:4]), *rows_of("b", B[:4])]
    board = made(tmp_path, rows, test_share="kfold", reference="a")
    assert by_name(board)["b"].versus.mark == ""
    assert "TOO_FEW_FOLDS" in by_name(board)["b"].codes


def test_a_method_that_lacks_a_fold_is_shown_and_not_tested(tmp_path):
    """It keeps its value with the count of runs."""
    board = made(tmp_path, [*rows_of("a", A), *rows_of("b", B), *rows_of("c", C[:4])],
                 test_share="kfold")  # fmt: skip
    row = by_name(board)["c"]
    assert (row.runs.done, row.runs.planned, row.rank) == (4, 5, None)
    assert "INCOMPLETE_GRID" in row.codes
    assert len(board.sections[0].comparisons) == 1


def test_of_a_loss_the_smallest_is_best(tmp_path):
    """Direction follows the metric."""
    board = made(tmp_path, THREE, metric="log-loss", test_share="kfold", reference="a")
    assert [row.method for row in board.sections[0].rows][-1] == "b"
    assert by_name(board)["b"].rank == (3, 3)
    assert not by_name(board)["b"].versus.is_better


def test_cohorts_are_tested_as_always(tmp_path):
    """Six cohorts of one data set each, b always better: the exact p is 2/2^6."""
    rows = [(f"d{n}", m, 0, v + n / 100) for n in range(6) for m, v in (("a", 0.7), ("b", 0.8))]
    board = made(tmp_path, rows)
    (pair,) = board.overall.across.pairs
    assert pair.p == pytest.approx(2 / 2**6)
    assert "b is better than a" in board.overall.note


def test_every_writer_says_what_the_scores_are(tmp_path):
    """No form claims an interval or a test over patients."""
    board = made(tmp_path, THREE, test_share="kfold", reference="a")
    for form in ("terminal", "markdown", "latex"):
        text = render(board, form)
        assert "bootstrap" not in text
        assert "patient-level" not in text
    assert "computed elsewhere" in render(board, "terminal")
    assert r"^{\ast}" in render(board, "latex")
    assert json.loads(render(board, "json"))["scores_from"] == "scores.csv"
    assert "come without predictions" in to_paragraph(board)
    assert "stored predictions" not in to_paragraph(board)


@pytest.mark.parametrize(
    ("rows", "header", "says"),
    [
        ([("d", "a", 0, "x")], None, "line 2: value 'x'; expected a finite number"),
        ([("d", "a", 0, "nan")], None, "line 2: value 'nan'"),
        ([("d", "a", 0, 1), ("d", "a", 0, 1)], None, "line 3: a on d stands in line 2 already"),
        ([("d", 1)], ("dataset", "value"), "no column 'method'; it has: dataset, value"),
        ([], None, "no row"),
        (
            [("d", "a", 0, 1, "x"), ("d", "b", 0, 1, "y")],
            ("dataset", "method", "fold", "value", "cohort"),
            "line 3: d is of cohort y, and of x above",
        ),
    ],
)
def test_faults_are_named_by_line(tmp_path, rows, header, says):
    """File, line, what was found."""
    path = written(tmp_path, rows, *([header] if header else []))
    with pytest.raises(ScoreError, match="scores.csv") as raised:  # noqa: RUF043  # a file name
        read_scores(path, Columns())
    assert says in str(raised.value)


def test_a_share_must_be_positive(tmp_path):
    """A test on folds without test bags is no test."""
    with pytest.raises(StatisticsError, match="positive n_test / n_train"):
        made(tmp_path, THREE, test_share=0.0)


def test_on_the_command_line(tmp_path, capsys):
    """Columns by any name, rows by value, compressed files; wrong usage is one message."""
    path = tmp_path / "table.csv.gz"
    lines = ["task,model,part,auc,run"] + [
        f"t,{m},{f},{v},1" for m, of in (("a", A), ("b", B)) for f, v in enumerate(of)
    ]
    path.write_bytes(gzip.compress("\n".join([*lines, "t,a,0,0.1,2"]).encode()))
    columns = ["--dataset", "task", "--method", "model", "--fold", "part", "--value", "auc"]
    asked = ["scores", str(path), *columns, "--where", "run=1"]

    assert main([*asked, "--test-share", "kfold", "--format", "json"]) == 0
    (section,) = json.loads(capsys.readouterr().out)["sections"]
    assert {row["method"]: row["rank"] for row in section["rows"]} == {"a": [2, 2], "b": [1, 1]}
    assert main([*asked, "--test-share", "much"]) == 2
    assert "'much' is no number" in capsys.readouterr().err
    assert main([*asked, "--where", "run"]) == 2
    assert main(["scores", str(path), *columns]) == 2
    assert "choose rows with --where" in capsys.readouterr().err
