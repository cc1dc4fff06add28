"""The leaderboard on a terminal."""

import io

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
    assert "positive (47 patients)" in text


def test_overall_table_says_that_nothing_is_tested(two):
    """Two data sets are no basis for a p-value."""
    text = shown(two)
    assert line_of(text, "dsmil", "1.50").split() == ["dsmil", "1.50", "1/1/0"]
    assert "musk1: 23/25; tiger: 23/25" in text
    assert "needs at least 6 cohorts" in text


def test_metric_where_smaller_is_better_has_an_arrow(two):
    """The header tells the direction."""
    assert "Log loss ↓ [95 % CI]" in shown(two)


def test_narrow_terminal_loses_no_number(plain):
    """On 80 columns cells are folded, not cut."""
    assert "…" not in shown(plain, width=80)
