"""The leaderboard on a terminal."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from milbench.report import print_terminal


def shown(leaderboard, *, width=400, **options) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    print_terminal(leaderboard, console, **options)
    return console.file.getvalue()


def line_of(text: str, *parts: str) -> str:
    return next(line for line in text.splitlines() if all(part in line for part in parts))


def test_row_shows_rank_value_interval_mark_runs_and_cost(plain):
    """Everything that STATISTICS 5.2 asks for stands in one line."""
    line = line_of(shown(plain), "dsmil")
    assert line.split() == [
        "1", "dsmil", "0.940", "[0.905,", "0.975]", "0.018", "+0.020", "‡", "0.860", "0.200",
        "25/25", "1.25", "1,234",
    ]  # fmt: skip


def test_worse_method_is_marked_with_an_arrow(plain):
    """A mark alone would read as better."""
    assert "-0.420 †↓" in line_of(shown(plain), "prior (control)")


def test_incomplete_method_shows_what_failed_and_no_rank(plain):
    """A method with failed runs keeps its value, its count and its reason."""
    text = shown(plain)
    line = line_of(text, "max", "23/25")
    assert line.split()[0] == "-"
    assert "0.910" in line
    assert "23/25, 2 failed" in line
    assert "INCOMPLETE_GRID" in line
    assert "max: 2 failed: TrainingError: loss is NaN" in text


def test_every_code_that_occurs_is_explained(plain):
    """The legend gives the meaning of a code."""
    assert "INCOMPLETE_GRID: some planned runs are missing" in shown(plain)


def test_skipped_data_set_is_listed_with_its_reason(plain, empty):
    """A data set without results is not silently absent."""
    assert "Skipped musk2 (precomputed): no file clean2.data" in shown(plain)
    assert "Skipped musk1 (precomputed): no files" in shown(empty)


def test_detectable_difference_stands_below_the_table(plain):
    """No mark is not to be read as equal."""
    assert "Smallest detectable difference from abmil: 0.025" in shown(plain)


def test_markup_in_names_is_shown_as_text(hostile):
    """A method called [red]x is called [red]x, and an escape sequence is written out."""
    text = shown(hostile, per_class=True)
    assert "[red]x" in text
    assert "[bold]s_1" in text
    assert "\x1b" not in text


def test_values_per_class_come_on_request(plain):
    """The tables per class have one column a class."""
    assert "per class" not in shown(plain)
    text = shown(plain, per_class=True)
    assert "musk1 (precomputed): Sensitivity per class" in text
    assert line_of(text.split("Sensitivity per class")[1], "prior").split() == [
        "prior",
        "0.900",
        "0.700",
    ]


def test_overall_table_says_that_nothing_is_tested(two):
    """Two data sets are no basis for a p-value."""
    text = shown(two)
    assert line_of(text, "dsmil", "1.50").split() == ["dsmil", "0.940", "0.200", "1.50", "1/1/0"]
    assert "musk1: 23/25; tiger: 23/25" in text
    assert "needs at least 6 cohorts" in text


@pytest.mark.parametrize("width", [60, 80, 120])
def test_narrow_terminal_gets_several_tables(plain, width):
    """Every cell of the wide table is whole on a narrow terminal, and every row is named."""
    text = shown(plain, width=width)
    for cell in ("0.940 [0.905, 0.975]", "+0.020 ‡", "23/25, 2 failed", "1,234", "INCOMPLETE_GRID"):
        assert cell in text
    assert max(map(len, text.splitlines())) <= width
    assert sum("prior (control)" in line for line in text.splitlines()) > 1


def test_code_of_every_row_is_said_once(plain):
    """What all rows share stands below the table and leaves the column to what differs."""
    first = plain.sections[0]
    rows = tuple(replace(r, codes=(*r.codes, "SINGLE_RUN")) for r in first.rows)
    text = shown(replace(plain, sections=(replace(first, rows=rows),)))
    assert "On every row: SINGLE_RUN." in text
    assert line_of(text, "max", "23/25").split()[-1] == "INCOMPLETE_GRID"
    assert "SINGLE_RUN: fewer than 3 repeats" in text
